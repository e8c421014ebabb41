// Optimizers from the settings of a plan or a manifest: defaults filled in, checked, made, and their learning rate set.

import type * as tf from '@tensorflow/tfjs-core';
import { UsageError } from '../errors.js';
import { unknownName } from '../nearestName.js';
import type { OptimizerInfo } from '../trajectory/schema.js';
import type { EvaluatingOptimizer, OptimizerDefinition } from './optimizers/definition.js';
import { OPTIMIZER_DEFINITIONS, type OptimizerName } from './optimizers/index.js';
import { CONSTANT, type LearningRateSchedule, parseSchedule } from './schedules/index.js';

export type { OptimizerName } from './optimizers/index.js';

/** Names of all optimizers. */
export const OPTIMIZERS: readonly OptimizerName[] = OPTIMIZER_DEFINITIONS.map(({ name }) => name);

/**
 * The definition of an optimizer.
 *
 * @throws {@link UsageError} naming the known ones when there is none.
 */
export function findOptimizer(name: string): OptimizerDefinition<OptimizerName> {
  const definition = OPTIMIZER_DEFINITIONS.find((candidate) => candidate.name === name);
  if (definition === undefined) throw unknownName('optimizer', String(name), OPTIMIZERS);
  return definition;
}

/**
 * An optimizer's settings with the defaults filled in, as a run's manifest records them. The setting `schedule` is there only
 * where the learning rate changes.
 *
 * @throws {@link UsageError} for an unknown optimizer, setting or schedule, or a learning rate that is not positive.
 */
export function completeOptimizer({ schedule, ...info }: OptimizerInfo): OptimizerInfo & { name: OptimizerName } {
  const { name, settings } = findOptimizer(info.name);
  const complete: OptimizerInfo = { name, learningRate: info.learningRate, ...settings };
  for (const [setting, value] of Object.entries(info)) {
    if (!(setting in complete))
      throw unknownName(`setting of ${name}`, setting, [...Object.keys(complete), 'schedule']);
    if (typeof value !== typeof complete[setting]) {
      throw new UsageError({
        what: `${setting} of ${name} must be a ${typeof complete[setting]}`,
        where: String(value),
        remedy: 'correct the value',
      });
    }
    complete[setting] = value;
  }
  if (!(typeof info.learningRate === 'number' && info.learningRate > 0 && Number.isFinite(info.learningRate))) {
    throw new UsageError({
      what: 'not a learning rate',
      where: `${name} ${info.learningRate}`,
      remedy: 'give a positive number, e.g. 0.001',
    });
  }
  const { text } = parseSchedule(String(schedule ?? CONSTANT));
  return { ...complete, ...(text === CONSTANT ? {} : { schedule: text }) } as OptimizerInfo & { name: OptimizerName };
}

/**
 * Creates the optimizer, without its schedule. The caller disposes of it.
 *
 * @throws {@link UsageError} as {@link completeOptimizer}.
 */
export function makeOptimizer(info: OptimizerInfo): tf.Optimizer {
  const { name, learningRate, schedule, ...settings } = completeOptimizer(info);
  return findOptimizer(name).make(learningRate as number, settings as Record<string, number | boolean>);
}

/** The schedule of the learning rate; null when it stays as it is. */
export function scheduleOf({ schedule }: OptimizerInfo): LearningRateSchedule | null {
  const parsed = parseSchedule(String(schedule ?? CONSTANT));
  return parsed.text === CONSTANT ? null : parsed;
}

/** Sets the learning rate of the next step. */
export function setLearningRate(optimizer: tf.Optimizer, learningRate: number): void {
  // SGD and momentum keep a tensor of it; the others read the field at each step.
  if ('setLearningRate' in optimizer) (optimizer as tf.SGDOptimizer).setLearningRate(learningRate);
  else Object.assign(optimizer, { learningRate });
}

/** Whether an optimizer's weights in training are not those to validate. */
export function evaluatesElsewhere(optimizer: tf.Optimizer): optimizer is EvaluatingOptimizer {
  return 'evaluationWeights' in optimizer;
}
