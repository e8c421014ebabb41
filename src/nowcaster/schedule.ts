// When nowcasts happen.

import { UsageError } from '../errors.js';

/** Nowcasts happen at the end of the epochs e (from 0) from `startEpoch` on with (e + 1) mod `period` = 0. */
export interface NowcastSchedule {
  /** Epochs from one nowcast to the next. */
  period: number;
  startEpoch: number;
}

/** Whether a value is a schedule. */
export function isNowcastSchedule(value: unknown): value is NowcastSchedule {
  const { period, startEpoch } = (value ?? {}) as Partial<NowcastSchedule>;
  return isWhole(period, 1) && isWhole(startEpoch, 0);
}

function isWhole(value: unknown, least: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= least;
}

/** Refuses what cannot be a period. @throws UsageError */
export function requirePeriod(value: number, option: string): void {
  if (isWhole(value, 1)) return;
  throw new UsageError({
    what: 'the period must be a whole number of at least 1',
    where: `${option} ${value}`,
    remedy: 'give the epochs from one nowcast to the next, or leave it out',
  });
}

/** The first epoch from `epoch` on at whose end a nowcast is due. */
export function nextNowcast({ period, startEpoch }: NowcastSchedule, epoch: number): number {
  const from = Math.max(epoch, startEpoch);
  return Math.ceil((from + 1) / period) * period - 1;
}
