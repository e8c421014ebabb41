// When the snapshots of a run are taken. Windows, horizons and periods count snapshots, so only runs of one cadence
// can be learned from together.

import { UsageError } from '../errors.js';
import { quoteValue } from '../formats/parseJson.js';

const UNITS = ['epoch', 'step'] as const;

/** When snapshots are taken: at the end of every `every`-th epoch, or after every `every`-th step (batch). */
export interface SnapshotCadence {
  unit: (typeof UNITS)[number];
  /** Epochs or steps from one snapshot to the next, at least 1. Steps are counted through the whole run. */
  every: number;
}

/** The default: a snapshot at the end of each epoch. */
export const EVERY_EPOCH: Readonly<SnapshotCadence> = { unit: 'epoch', every: 1 };

/** What is wrong with a value as a cadence; null when nothing is. */
export function cadenceProblem(value: unknown): string | null {
  const { unit, every } = (value ?? {}) as Partial<SnapshotCadence>;
  if (!UNITS.includes(unit as never)) return `the unit of a cadence is ${UNITS.join(' or ')}, not ${quoteValue(unit)}`;
  if (!(Number.isSafeInteger(every) && (every as number) >= 1))
    return `a cadence's every is a whole number from 1, not ${quoteValue(every)}`;
  return null;
}

/**
 * A cadence that somebody wrote, with its two fields in one order and no others.
 *
 * @throws {@link UsageError} when it is none.
 */
export function requireCadence(value: unknown, where: string): SnapshotCadence {
  const problem = cadenceProblem(value);
  if (problem !== null) {
    throw new UsageError({ what: problem, where, remedy: 'write e.g. { unit: step, every: 100 }' });
  }
  const { unit, every } = value as SnapshotCadence;
  return { unit, every };
}

/**
 * The cadence of words: `epoch`, `2epochs`, `100steps`, with or without a space.
 *
 * @throws {@link UsageError} for other words.
 */
export function parseCadence(text: string, option: string): SnapshotCadence {
  const [, every = '1', unit] = /^\s*(\d+)?\s*(epoch|step)s?\s*$/.exec(text) ?? [];
  if (unit === undefined || Number(every) < 1) {
    throw new UsageError({
      what: 'not a number of epochs or steps',
      where: `${option} ${text}`,
      remedy: 'write e.g. 100steps or 2epochs',
    });
  }
  return requireCadence({ unit, every: Number(every) }, `${option} ${text}`);
}

/** `every epoch`, `every 100 steps`. */
export function describeCadence({ unit, every }: SnapshotCadence): string {
  return every === 1 ? `every ${unit}` : `every ${every} ${unit}s`;
}

/** Whether two cadences are the same. */
export function sameCadence(a: SnapshotCadence, b: SnapshotCadence): boolean {
  return a.unit === b.unit && a.every === b.every;
}

/**
 * Which snapshots of a run are those of a coarser cadence: every how-many-th. Of the snapshots from 0, those are meant whose
 * number plus one is a multiple of it.
 *
 * @param stepsPerEpoch of the run, without which steps are no epochs.
 * @returns the number; or in words why there is none.
 */
export function thinning(from: SnapshotCadence, to: SnapshotCadence, stepsPerEpoch?: number): number | string {
  if (from.unit !== to.unit && stepsPerEpoch === undefined) return 'the run does not say how many steps an epoch has';
  const isMixed = from.unit !== to.unit;
  const [fine, coarse] = [from, to].map(({ unit, every }) =>
    isMixed && unit === 'epoch' ? every * (stepsPerEpoch as number) : every,
  );
  if (coarse % fine === 0) return coarse / fine;
  const own = !isMixed ? describeCadence(from) : `${describeCadence(from)} (${stepsPerEpoch} steps an epoch)`;
  return `${describeCadence(to)} is no multiple of ${own}`;
}

/**
 * Whether a snapshot is due.
 *
 * @param unit what has just ended.
 * @param count how many of those have ended in the run, this one included.
 */
export function isSnapshotDue(cadence: SnapshotCadence, unit: SnapshotCadence['unit'], count: number): boolean {
  return unit === cadence.unit && count % cadence.every === 0;
}

/** Snapshots of a run of so many epochs, `steps` steps in all. */
export function countSnapshots(
  { unit, every }: SnapshotCadence,
  { epochs, steps }: Record<'epochs' | 'steps', number>,
) {
  return Math.floor((unit === 'epoch' ? epochs : steps) / every);
}
