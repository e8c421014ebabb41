// Validates one training by several weights: its own and averages of them. What differs is only what is validated, so methods that
// differ in nothing else need one training.

import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import type { BatchSource } from './batches.js';
import { addLossMetrics, type Metric } from './metric.js';

/** Runs validations beside that of `fit`, right after it. */
export class OtherValidations extends tfl.Callback {
  /** The metrics of the training with those of each validation, one array a metric, one value an epoch. */
  readonly histories: Record<string, number[]>[];

  /**
   * @param batches validation data of each, which puts the weights to validate into the model while it is read.
   * @param training tells whether the training was aborted during an epoch, which then has no metrics.
   */
  constructor(
    readonly batches: readonly BatchSource[],
    readonly training: { readonly cutOff: boolean },
    readonly metric: Metric,
  ) {
    super();
    this.histories = batches.map(() => ({}));
  }

  override async onEpochEnd(_epoch: number, logs: tfl.Logs = {}): Promise<void> {
    if (this.training.cutOff) return;
    for (const [v, batches] of this.batches.entries()) {
      const scalars = [await this.model.evaluateDataset(batches as never, { verbose: 0 })].flat();
      const values = await Promise.all(scalars.map((scalar) => scalar.data()));
      tf.dispose(scalars);
      const validated = values.map(([value], i) => [`val_${this.model.metricsNames[i]}`, value]);
      const metrics = { ...logs, ...Object.fromEntries(validated) } as Record<string, number>;
      addLossMetrics(metrics, this.metric);
      for (const [name, value] of Object.entries(metrics)) {
        this.histories[v][name] ??= [];
        this.histories[v][name].push(value);
      }
    }
  }
}
