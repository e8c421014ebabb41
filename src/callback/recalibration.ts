// Moving statistics of batch-norm after a nowcast: where the training batches come from that they are estimated on.

import * as tf from '@tensorflow/tfjs-core';
import type * as tfl from '@tensorflow/tfjs-layers';
import { UsageError } from '../errors.js';
import { either, FUNCTION, NUMBER, OBJECT, requireOptions } from '../optionTypes.js';
import { type BatchInputs, estimateBatchNorm, type InputBatches } from './batchNormStatistics.js';

/** A dataset as `fitDataset` takes it, e.g. of tfjs-data: its elements are `{xs, ys}`, or inputs alone. */
export interface InputDataset {
  iterator(): Promise<{ next(): Promise<{ value: unknown; done?: boolean }> }>;
}

/** How the moving statistics of batch-norm are estimated anew after each nowcast. */
export interface Recalibration {
  /** Training batches: a dataset, or a function that returns inputs of batches, which stay its own to dispose of. */
  batches: InputDataset | (() => InputBatches);
  /** Batches to take, from the first on each time. Default 8. */
  n?: number;
}

/** Refuses an impossible choice. @throws {@link UsageError} */
export function requireRecalibration(recalibration: Recalibration): Required<Recalibration> {
  requireOptions('recalibrate', recalibration, { batches: either(FUNCTION, OBJECT), n: NUMBER });
  const { batches, n = 8 } = recalibration;
  const source = typeof batches === 'function' || typeof batches?.iterator === 'function';
  if (source && Number.isSafeInteger(n) && n >= 1) return { batches, n };
  throw new UsageError({
    what: source ? 'recalibration takes a whole number of batches, from 1' : 'recalibration needs training batches',
    where: source ? `recalibrate { n: ${n} }` : 'recalibrate.batches',
    remedy: 'give a dataset, or a function that returns inputs of batches, and e.g. n: 8',
  });
}

async function* firstInputs({ batches, n }: Required<Recalibration>): AsyncGenerator<BatchInputs> {
  if (typeof batches === 'function') {
    let left = n;
    for await (const inputs of batches()) {
      yield inputs;
      if (--left === 0) return;
    }
    return;
  }
  const iterator = await batches.iterator();
  for (let i = 0; i < n; i++) {
    const { value, done } = await iterator.next();
    if (done) return;
    const { xs = value } = value as { xs?: unknown };
    const inputs = xs instanceof tf.Tensor || Array.isArray(xs) ? xs : Object.values(xs as tf.TensorContainerObject);
    try {
      yield inputs as BatchInputs;
    } finally {
      tf.dispose(value as tf.TensorContainer);
    }
  }
}

/** Estimates the moving statistics of a model's batch-norm anew. Nothing happens to a model without batch-norm. */
export async function recalibrate(model: tfl.LayersModel, recalibration: Required<Recalibration>): Promise<void> {
  await estimateBatchNorm(model, firstInputs(recalibration));
}
