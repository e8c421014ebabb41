// When nowcasts happen.

import { UsageError } from '../errors.js';

/** Nowcasts follow the snapshots s (from 0) from `start` on with (s + 1) mod `period` = 0. */
export interface NowcastSchedule {
  /** Snapshots from one nowcast to the next. */
  period: number;
  start: number;
}

/** A schedule of a file: older ones say `startEpoch` for `start`. Other values are returned as they are. */
export function readSchedule(value: unknown): unknown {
  const { startEpoch: start, ...rest } = (value ?? {}) as { startEpoch?: unknown };
  return start === undefined ? value : { ...rest, start };
}

/** Whether a value is a schedule. */
export function isNowcastSchedule(value: unknown): value is NowcastSchedule {
  const { period, start } = (value ?? {}) as Partial<NowcastSchedule>;
  return isWhole(period, 1) && isWhole(start, 0);
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
    remedy: 'give the snapshots from one nowcast to the next, or leave it out',
  });
}

/** Refuses what cannot be a start. @throws UsageError */
export function requireStart(value: number, option: string): void {
  if (isWhole(value, 0)) return;
  throw new UsageError({
    what: 'the start must be a whole number of at least 0',
    where: `${option} ${value}`,
    remedy: 'give the first snapshot (from 0) after which a nowcast may happen, or leave it out',
  });
}

/** The first snapshot from `snapshot` on that a nowcast follows. */
export function nextNowcast({ period, start }: NowcastSchedule, snapshot: number): number {
  const from = Math.max(snapshot, start);
  return Math.ceil((from + 1) / period) * period - 1;
}
