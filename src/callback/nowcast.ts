// One nowcast: what became of it, and the putting of forecasts in the weights' place, with the guard that may undo it.

import * as tf from '@tensorflow/tfjs-core';
import type * as tfl from '@tensorflow/tfjs-layers';
import type { TrainedKind } from '../nowcaster/spec.js';
import type { TrackedTensors } from './trackedTensors.js';

/** A batch on which a nowcast must prove itself; see ForecastingOptions. */
export interface GuardBatch {
  /** Inputs, as for `model.evaluate`. Stays the caller's to dispose, after training. */
  x: tf.Tensor | tf.Tensor[];
  /** Targets, as for `model.evaluate`. Stays the caller's to dispose, after training. */
  y: tf.Tensor | tf.Tensor[];
  /** Examples that go through the model at once. Default: 32, as `model.evaluate`. */
  batchSize?: number;
}

/** What became of one nowcast. */
export interface Nowcast {
  /** Epoch (from 0) at whose end it happened. */
  epoch: number;
  /** `kept`: the weights were replaced; `undone`: by the guard; `skipped`: nothing was replaced. */
  outcome: 'kept' | 'undone' | 'skipped';
  /** Why it was undone or skipped; null when kept. */
  reason: string | null;
  /** Values replaced (or to be replaced), by kind. */
  scalars: Record<TrainedKind, number>;
  /** Wall-clock seconds that reading, forecasting and writing took, without the guard. */
  seconds: number;
  /** Loss on the guard's batch before and after; null without a guard or when skipped. */
  lossBefore: number | null;
  lossAfter: number | null;
}

/** Whether no value is NaN or infinite. */
export function allFinite(values: Float32Array): boolean {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) return false;
  return true;
}

async function measureLoss(model: tfl.LayersModel, { x, y, batchSize }: GuardBatch): Promise<number> {
  const result = model.evaluate(x, y, { batchSize, verbose: 0 });
  const [loss] = Array.isArray(result) ? result : [result];
  const [value] = await loss.data();
  tf.dispose(result);
  return value;
}

/**
 * Replaces a model's weights by forecasts; undoes it when that raises the loss on the guard's batch.
 *
 * @param weights flat arrays as `tracked` reads them: the current ones, and the finite ones to put in their place.
 * @returns what became of it, and the seconds that the guard took.
 */
export async function applyForecast(
  model: tfl.LayersModel,
  tracked: TrackedTensors,
  { current, forecasts }: { current: Float32Array; forecasts: Float32Array },
  guard: GuardBatch | undefined,
): Promise<Pick<Nowcast, 'outcome' | 'reason' | 'lossBefore' | 'lossAfter'> & { guardSeconds: number }> {
  if (guard === undefined) {
    tracked.write(forecasts);
    return { outcome: 'kept', reason: null, lossBefore: null, lossAfter: null, guardSeconds: 0 };
  }
  let guardSeconds = 0;
  const measure = async () => {
    const started = performance.now();
    const loss = await measureLoss(model, guard);
    guardSeconds += (performance.now() - started) / 1000;
    return loss;
  };
  const lossBefore = await measure();
  tracked.write(forecasts);
  const lossAfter = await measure();
  if (lossAfter <= lossBefore) return { outcome: 'kept', reason: null, lossBefore, lossAfter, guardSeconds };
  tracked.write(current);
  const reason = `loss on the guard's batch went from ${lossBefore} to ${lossAfter}`;
  return { outcome: 'undone', reason, lossBefore, lossAfter, guardSeconds };
}
