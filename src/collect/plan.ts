// From a plan to its runs: what each one trains, with which settings, under which id. All draws come from the plan's seed
// and the run's number, so a run is the same on any machine and in any order. Nothing is trained or written here.

import { createHash } from 'node:crypto';
import { UsageError } from '../errors.js';
import { quoteValue } from '../formats/parseJson.js';
import { unknownName } from '../nearestName.js';
import { Random } from '../random.js';
import { type Augmentation, checkAugmentation } from '../tasks/augmentation.js';
import { completeOptimizer, findOptimizer } from '../tasks/optimizer.js';
import { CONSTANT, parseSchedule } from '../tasks/schedules/index.js';
import { findTask, taskSlug } from '../tasks/task.js';
import { EVERY_EPOCH, requireCadence, type SnapshotCadence } from '../trajectory/cadence.js';
import { requireScalarsPerTensor } from '../trajectory/sampling.js';
import type { OptimizerInfo } from '../trajectory/schema.js';
import { WIDTH } from '../zoo/options.js';
import { type PlannedOptimizer, type PlanOptions, type Range, requirePlanTypes } from './planSchema.js';

/** Numbers of a plan, at most: more would fill memory or disks by mistake. */
export const MOST = { runs: 100_000, epochs: 1e6, batchSize: 1e6 };

/** One run of a plan: all that decides its numbers, but for the engine. */
export interface PlannedRun {
  /** Task, number and a hash of the rest, e.g. `mnist-lenet-0003-1a2b3c4d`. */
  id: string;
  /** Number in the plan, from 0. */
  index: number;
  task: string;
  epochs: number;
  seed: number;
  batchSize: number;
  optimizer: OptimizerInfo;
  width: number;
  /** null: all. */
  trainExamples: number | null;
  validationExamples: number | null;
  /** Absent: all training examples. */
  epochExamples?: number;
  augmentation: Augmentation | null;
  cadence: SnapshotCadence;
  /** Absent: all. */
  scalarsPerTensor?: number;
}

const DEFAULT_EPOCHS = 30;
const DEFAULT_BATCH_SIZES = [64, 128, 256];

/** A plan that is checked. Its runs are made when they are asked for. */
export interface Plan {
  /** Number of runs. */
  count: number;
  /** The run of a number from 0. */
  run(index: number): PlannedRun;
}

/**
 * The runs of a plan, in the order of their numbers.
 *
 * @throws as {@link openPlan}.
 */
export function planRuns(options: PlanOptions): PlannedRun[] {
  const { count, run } = openPlan(options);
  return Array.from({ length: count }, (_, index) => run(index));
}

/**
 * Checks a plan.
 *
 * @throws {@link UsageError} for values of other types, unknown tasks and optimizers, and impossible numbers.
 */
export function openPlan(options: PlanOptions): Plan {
  requirePlanTypes(options, 'the plan');
  const { tasks, runs = tasks?.length, epochs = DEFAULT_EPOCHS, seed = 1, batchSizes = DEFAULT_BATCH_SIZES } = options;
  const optimizers = options.optimizers ?? ['adam'];
  const schedules = options.schedules ?? [CONSTANT];
  requireSome('tasks', tasks);
  requireSome('batchSizes', batchSizes);
  requireSome('optimizers', optimizers);
  requireSome('schedules', schedules);
  requireWhole('runs', runs, 1, MOST.runs);
  requireWhole('epochs', epochs, 1, MOST.epochs);
  requireWhole('seed', seed, 0);
  for (const size of batchSizes) requireWhole('batchSizes', size, 1, MOST.batchSize);
  if (options.validationExamples !== undefined) requireWhole('validationExamples', options.validationExamples, 1);
  if (options.epochExamples !== undefined) requireWhole('epochExamples', options.epochExamples, 1);
  const cadence = requireCadence(options.cadence ?? EVERY_EPOCH, 'cadence of the plan');
  const { scalarsPerTensor } = options;
  if (scalarsPerTensor !== undefined) requireScalarsPerTensor(scalarsPerTensor, 'the plan');
  const augmentation = options.augmentation === undefined ? null : settleAugmentation(options.augmentation);
  const width = toRange('width', options.width ?? WIDTH.default, WIDTH.least, WIDTH.most);
  const trainExamples =
    options.trainExamples === undefined ? null : toRange('trainExamples', options.trainExamples, 1, 1e9);
  const sources = optimizers.map((optimizer) => settleOptimizer(optimizer, options.learningRate));
  const found = tasks.map(findTask);
  for (const schedule of schedules) parseSchedule(schedule);

  const planRun = (index: number): PlannedRun => {
    // Each draw has a stream of its own: a further setting leaves those that were there as they are.
    const draw = (what: string) => new Random(seed, 'run', index, what);
    const { settings, learningRate } = draw('optimizer').pick(sources);
    const task = found[index % found.length];
    const run = {
      index,
      task: task.name,
      epochs,
      seed: draw('seed').uint32(),
      batchSize: draw('batchSize').pick(batchSizes),
      optimizer: completeOptimizer({
        schedule: draw('schedule').pick(schedules),
        ...settings,
        learningRate: round(drawFrom(draw('learningRate'), learningRate), 5),
      }),
      width: (task.options.width as number | undefined) ?? round(drawFrom(draw('width'), width), 3),
      trainExamples: trainExamples && Math.round(drawFrom(draw('trainExamples'), trainExamples)),
      validationExamples: options.validationExamples ?? null,
      // Left out rather than null, so that the ids of runs without it stay as they were.
      ...(options.epochExamples === undefined ? {} : { epochExamples: options.epochExamples }),
      augmentation,
      cadence,
      ...(scalarsPerTensor !== undefined && { scalarsPerTensor }),
    };
    return { id: idOf(run), ...run };
  };
  return { count: runs, run: planRun };
}

/** The id of a run: readable parts and a hash of all that decides its numbers. */
export function idOf(run: Omit<PlannedRun, 'id'>): string {
  const hash = createHash('sha256').update(JSON.stringify(run)).digest('hex').slice(0, 8);
  return `${taskSlug(run.task)}-${String(run.index).padStart(4, '0')}-${hash}`;
}

/** The settings in one order and without those that change nothing, so that equal plans have equal ids. */
export function settleAugmentation(settings: Augmentation): Augmentation | null {
  const known = ['shift', 'flip', 'rotation', 'zoom'] as const;
  if (typeof settings !== 'object' || settings === null) {
    const remedy = `give some of ${known.join(', ')}`;
    throw new UsageError({ what: 'not an augmentation', where: quoteValue(settings), remedy });
  }
  for (const [name, value] of Object.entries(settings)) {
    if (!known.includes(name as never)) throw unknownName('augmentation', name, known);
    if (typeof value === (name === 'flip' ? 'boolean' : 'number')) continue;
    const remedy = name === 'flip' ? 'give true or false' : 'give a number';
    throw new UsageError({ what: `${name} of the augmentation`, where: quoteValue(value), remedy });
  }
  checkAugmentation(settings);
  const used = known.filter((name) => settings[name]);
  return used.length === 0 ? null : Object.fromEntries(used.map((name) => [name, settings[name]]));
}

function settleOptimizer(optimizer: PlannedOptimizer, common: PlanOptions['learningRate']) {
  const { name, learningRate: own, ...settings } = typeof optimizer === 'string' ? { name: optimizer } : optimizer;
  const { learningRates } = findOptimizer(name);
  const learningRate = toRange('learningRate', own ?? common ?? learningRates, Number.MIN_VALUE, 1e12);
  return { settings: { name, ...settings } as OptimizerInfo, learningRate };
}

function drawFrom(random: Random, [low, high]: Range): number {
  return low === high ? low : random.logUniform(low, high);
}

/** Rounds to significant digits, so that a manifest is readable and equal on all machines. */
function round(value: number, digits: number): number {
  return Number(value.toPrecision(digits));
}

function toRange(name: string, value: unknown, least: number, most: number): Range {
  const [low, high, ...rest] = Array.isArray(value) ? value : [value, value];
  const fits = (x: unknown): x is number => typeof x === 'number' && x >= least && x <= most;
  if (fits(low) && fits(high) && low <= high && rest.length === 0) return [low, high];
  throw new UsageError({
    what: `${name} must be a number or a range`,
    where: quoteValue(value),
    remedy: least > 0.1 ? `give one or two numbers, ${least} to ${most}, the lower one first` : 'give positive numbers',
  });
}

function requireWhole(name: string, value: unknown, least: number, most = Number.MAX_SAFE_INTEGER): void {
  if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most) return;
  throw new UsageError({
    what: `${name} must be a whole number from ${least}${most < Number.MAX_SAFE_INTEGER ? ` to ${most}` : ''}`,
    where: quoteValue(value),
    remedy: most < Number.MAX_SAFE_INTEGER ? `give ${least} to ${most}` : `give ${least} or more`,
  });
}

function requireSome(name: string, values: unknown): void {
  if (Array.isArray(values) && values.length > 0) return;
  throw new UsageError({ what: `no ${name}`, where: 'the plan', remedy: 'name at least one' });
}
