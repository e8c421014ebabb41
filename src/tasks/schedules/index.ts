// The registry of learning-rate schedules, and the text that names one: `cosine`, `step:0.1@0.5/0.75`.

import { UsageError } from '../../errors.js';
import { unknownName } from '../../nearestName.js';
import { constant } from './constant.js';
import { cosine } from './cosine.js';
import type { ScheduleDefinition, ScheduleFactor } from './schedule.js';
import { step } from './step.js';
import { warmUp, warmUpCosine } from './warmUp.js';

export type { Budget, ScheduleFactor } from './schedule.js';

const DEFINITIONS: readonly ScheduleDefinition[] = [constant, cosine, warmUp, warmUpCosine, step];

/** The schedule of a training that names none. */
export const CONSTANT = constant.name;

/** A learning-rate schedule. */
export interface LearningRateSchedule {
  /** Its one spelling, with its argument. */
  text: string;
  factor: ScheduleFactor;
}

/** Syntax of all schedules, for `--help`. */
export function scheduleWords(): string[] {
  return DEFINITIONS.map(({ name, argument }) => (argument === undefined ? name : `${name}[:${argument}]`));
}

/**
 * The schedule that a text names.
 *
 * @throws {@link UsageError} for an unknown name or an impossible argument.
 */
export function parseSchedule(text: string): LearningRateSchedule {
  const [, name, colon, given] = /^([^:]*)(:?)(.*)$/s.exec(text)!;
  const definition = DEFINITIONS.find((candidate) => candidate.name === name);
  if (definition === undefined) throw unknownName('schedule', name, scheduleWords());
  const { argument, defaultArgument = '' } = definition;
  const takes = argument === undefined ? colon === '' : colon === '' || given !== '';
  const parsed = takes ? definition.parse(given || defaultArgument) : null;
  if (parsed === null)
    throw new UsageError({
      what: argument === undefined ? `the schedule ${name} takes nothing more` : `impossible ${name} schedule`,
      where: text,
      remedy: argument === undefined ? `give ${name}` : `give ${name}:${argument}, e.g. ${name}:${defaultArgument}`,
    });
  return { text: parsed.text === '' ? name : `${name}:${parsed.text}`, factor: parsed.factor };
}
