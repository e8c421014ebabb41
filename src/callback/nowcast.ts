// One nowcast: where it leads, and the record of what became of it.

import { DEFAULT_KINDS, sortKinds, type TrainedKind } from '../nowcaster/spec.js';
import type { Forecaster, SnapshotHistory } from './forecaster.js';
import { keepNorms } from './keepNorm.js';
import type { Judgment } from './watch.js';
import type { WeightAccess } from './weightAccess.js';

/** What became of one nowcast. */
export interface Nowcast {
  /** Number (from 0) of the snapshot that it followed. */
  snapshot: number;
  /** Epoch (from 0) that had ended last, or that it happened in; null in loops of one's own. */
  epoch: number | null;
  /** `kept`: the weights were replaced; `reverted`: they were, and the watch rolled the training back; `skipped`: nothing was replaced. */
  outcome: 'kept' | 'reverted' | 'skipped';
  /** Why it was reverted or skipped; null when kept. */
  reason: string | null;
  /** Values replaced (or to be replaced), by kind. */
  scalars: Partial<Record<TrainedKind, number>>;
  /** Multiplier on the predicted update. */
  stepScale: number;
  /** Wall-clock seconds that reading, forecasting, writing, keeping what a rollback needs, and rolling back took. */
  seconds: number;
  /** The watch over it; null where there was none. */
  probation: Probation | null;
}

/** The watch over one nowcast: what it held, and its judgment; `pending` until then. */
export interface Probation extends Omit<Judgment, 'verdict'> {
  verdict: Judgment['verdict'] | 'pending';
  /** Bytes of weights and optimizer state that were held for a rollback. */
  bytes: number;
}

/** Whether no value is NaN or infinite. */
export function allFinite(values: Float32Array): boolean {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) return false;
  return true;
}

/** Values of each kind: of the default ones, and of what else there is. */
export function countByKind({ tensors }: WeightAccess): Nowcast['scalars'] {
  const kinds = sortKinds([...DEFAULT_KINDS, ...tensors.map(({ kind }) => kind)]);
  const count = (wanted: TrainedKind) => tensors.reduce((sum, { kind, size }) => sum + (kind === wanted ? size : 0), 0);
  return Object.fromEntries(kinds.map((kind) => [kind, count(kind)]));
}

/** A skipped nowcast. */
export function skippedNowcast(
  facts: Pick<Nowcast, 'snapshot' | 'epoch' | 'reason' | 'scalars' | 'seconds' | 'stepScale'>,
): Nowcast {
  return { ...facts, outcome: 'skipped', probation: null };
}

/** Where in a training a nowcast is, and how far it goes. */
interface ForecastPoint extends Pick<SnapshotHistory, 'snapshot' | 'done'> {
  history: readonly Float32Array[];
  stepScale: number;
}

/**
 * Where a nowcast leads.
 *
 * @param history the window, oldest first; what it holds is overwritten.
 * @returns the weights to put in place of the current ones; or why there are none.
 */
export async function forecastWeights(
  forecaster: Forecaster,
  weights: WeightAccess,
  { history, snapshot, done, stepScale }: ForecastPoint,
): Promise<Float32Array | string> {
  if (weights.size === 0) return 'the model has no layer that can be nowcast';
  if (!history.every(allFinite)) return 'weights are not finite (NaN or infinite)';
  const last = history[history.length - 1];
  const forecasts = history[0];
  await forecaster.forecast({ tensors: weights.tensors, snapshots: history, snapshot, done }, forecasts);
  if (stepScale !== 1)
    for (let i = 0; i < forecasts.length; i++) forecasts[i] = last[i] + stepScale * (forecasts[i] - last[i]);
  keepNorms(weights.tensors, last, forecasts);
  return allFinite(forecasts) ? forecasts : 'the forecast is not finite (NaN or infinite)';
}
