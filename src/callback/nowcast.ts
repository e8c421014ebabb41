// One nowcast: what became of it, and the putting of forecasts in the weights' place, with the guard that may shorten or
// undo it.

import type { TrainedKind } from '../nowcaster/spec.js';
import type { WeightAccess } from './weightAccess.js';

/** Shares of the update that the guard tries, one after another, until one does not raise the loss. */
const GUARD_SHARES = [1, 1 / 2, 1 / 4, 1 / 8];

/** What became of one nowcast. */
export interface Nowcast {
  /** Number (from 0) of the snapshot that it followed. */
  snapshot: number;
  /** Epoch (from 0) that had ended last, or that it happened in; null in loops of one's own. */
  epoch: number | null;
  /** `kept`: the weights were replaced; `undone`: by the guard; `skipped`: nothing was replaced. */
  outcome: 'kept' | 'undone' | 'skipped';
  /** Share of the scaled update that was applied: 1, less with a guard, 0 unless kept. */
  share: number;
  /** Why it was undone or skipped; null when kept. */
  reason: string | null;
  /** Values replaced (or to be replaced), by kind. */
  scalars: Record<TrainedKind, number>;
  /** Wall-clock seconds that reading, forecasting and writing took, without the guard. */
  seconds: number;
  /** Loss on the guard's batch before, and after the share that was kept or, undone, the last one tried; null without a guard or when skipped. */
  lossBefore: number | null;
  lossAfter: number | null;
}

/** Whether no value is NaN or infinite. */
export function allFinite(values: Float32Array): boolean {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) return false;
  return true;
}

/** Values of each kind. */
export function countByKind({ tensors }: WeightAccess): Nowcast['scalars'] {
  const counts = { conv: 0, fc: 0, bias: 0 };
  for (const { kind, size } of tensors) counts[kind] += size;
  return counts;
}

/** A skipped nowcast. */
export function skippedNowcast(facts: Pick<Nowcast, 'snapshot' | 'epoch' | 'reason' | 'scalars' | 'seconds'>): Nowcast {
  return { ...facts, outcome: 'skipped', share: 0, lossBefore: null, lossAfter: null };
}

/**
 * Replaces weights by forecasts. With a guard: applies all of the update, or half, a quarter, an eighth of it, the first of
 * these that does not raise the loss; else leaves the weights as they were.
 *
 * @param values flat arrays as `weights` reads them: the current ones, and the finite ones to put in their place, which
 * may be overwritten.
 * @param measureLoss the guard; undefined: there is none.
 * @returns what became of it, and the seconds that the guard took.
 */
export async function applyForecast(
  weights: WeightAccess,
  { current, forecasts }: { current: Float32Array; forecasts: Float32Array },
  measureLoss: (() => Promise<number>) | undefined,
): Promise<Omit<Nowcast, 'snapshot' | 'epoch' | 'scalars' | 'seconds'> & { guardSeconds: number }> {
  if (measureLoss === undefined) {
    weights.write(forecasts);
    return { outcome: 'kept', share: 1, reason: null, lossBefore: null, lossAfter: null, guardSeconds: 0 };
  }
  const started = performance.now();
  const secondsTaken = () => (performance.now() - started) / 1000;
  const lossBefore = await measureLoss();
  let lossAfter = lossBefore;
  for (const share of GUARD_SHARES) {
    // Each share is half of the one before.
    if (share < 1)
      for (let i = 0; i < forecasts.length; i++) forecasts[i] = current[i] + (forecasts[i] - current[i]) / 2;
    weights.write(forecasts);
    lossAfter = await measureLoss();
    if (lossAfter <= lossBefore)
      return { outcome: 'kept', share, reason: null, lossBefore, lossAfter, guardSeconds: secondsTaken() };
  }
  weights.write(current);
  const reason = `even an eighth of the update raised the loss on the guard's batch from ${lossBefore} to ${lossAfter}`;
  return { outcome: 'undone', share: 0, reason, lossBefore, lossAfter, guardSeconds: secondsTaken() };
}
