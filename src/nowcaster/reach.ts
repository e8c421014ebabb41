// How far a nowcast goes: a multiple of the way from a weight to its forecast. A forecast is cautious, because the way of
// a single weight is hard to tell; going further in the direction that all of them give together often saves more.

import { UsageError } from '../errors.js';

/** More is a slip of the pen. */
const MOST_REACH = 10;

/** What a reach must be, in words. */
export const REACH_RANGE = `above 0 and at most ${MOST_REACH}`;

/** Whether a value can be a reach. */
export function isReach(value: unknown): value is number {
  return typeof value === 'number' && value > 0 && value <= MOST_REACH;
}

/**
 * Refuses what cannot be a reach.
 *
 * @param option what the user calls it.
 * @throws UsageError
 */
export function requireReach(value: number, option: string): void {
  if (isReach(value)) return;
  throw new UsageError({
    what: `the reach must be ${REACH_RANGE}`,
    where: `${option} ${value}`,
    remedy: 'give 1 to go as far as the forecasts, or leave it out',
  });
}
