// When nowcasts happen.

/** Nowcasts happen at the end of the epochs e (from 0) from `startEpoch` on with (e + 1) mod `period` = 0. */
export interface NowcastSchedule {
  /** Epochs from one nowcast to the next. */
  period: number;
  startEpoch: number;
}

/** Whether a value is a schedule. */
export function isNowcastSchedule(value: unknown): value is NowcastSchedule {
  const { period, startEpoch } = (value ?? {}) as Partial<NowcastSchedule>;
  const whole = (number: unknown, least: number) => Number.isSafeInteger(number) && (number as number) >= least;
  return whole(period, 1) && whole(startEpoch, 0);
}

/** The first epoch from `epoch` on at whose end a nowcast is due. */
export function nextNowcast({ period, startEpoch }: NowcastSchedule, epoch: number): number {
  const from = Math.max(epoch, startEpoch);
  return Math.ceil((from + 1) / period) * period - 1;
}
