// What a learning-rate schedule is: a factor on the learning rate of each step, named by a text. Values only, no state.

/** The length of a training. */
export interface Budget {
  /** Steps of the whole training. */
  steps: number;
  stepsPerEpoch: number;
}

/** Factor on the learning rate of a step, counted from 0. */
export type ScheduleFactor = (step: number, budget: Budget) => number;

/** A kind of schedule. One a file; index.ts lists them. */
export interface ScheduleDefinition {
  /** Letters, digits, `-`. Unique. */
  readonly name: string;
  /** What it does, for `--help`. */
  readonly describe: string;
  /** What may follow the name and a colon, for people: `FACTOR@WHEN/WHEN`. Undefined: nothing may. */
  readonly argument?: string;
  /** The argument where none is given. */
  readonly defaultArgument?: string;
  /** The schedule of an argument; null when it is none. The text is the argument in its one spelling. */
  parse(argument: string): { text: string; factor: ScheduleFactor } | null;
}

/** A moment of a training as a share of its steps (below 1) or a whole number of units; null when it is neither. */
export function parseMoment(text: string): number | null {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  return value > 0 && (value < 1 || Number.isSafeInteger(value)) ? value : null;
}

/** Steps before a moment, where whole numbers count units of `unit` steps. */
export function stepsBefore(moment: number, steps: number, unit: number): number {
  return moment < 1 ? Math.round(moment * steps) : moment * unit;
}
