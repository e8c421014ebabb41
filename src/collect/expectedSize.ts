// How large a plan's store will be, before anything is trained.

import * as tf from '@tensorflow/tfjs-core';
import { findDataSource } from '../tasks/dataset.js';
import { findTask } from '../tasks/task.js';
import { countSnapshots } from '../trajectory/cadence.js';
import { buildModel } from '../zoo/index.js';
import type { PlannedRun } from './plan.js';

/** Share of the raw float32 values that the Parquet of real runs takes (0.68 to 0.79): ZSTD after BYTE_STREAM_SPLIT. */
const COMPRESSION = 0.75;

/** Expected size of one run. */
export interface ExpectedSize {
  /** Parameters of the network, batch-norm statistics included. */
  parameters: number;
  /** Values recorded in a snapshot: `parameters`, or fewer with `scalarsPerTensor`. */
  recorded: number;
  snapshots: number;
  /** Bytes on disk once the run is complete. */
  bytes: number;
}

/** Estimates sizes; building a network to count it is done once for each shape of network. */
export class SizeEstimator {
  /** Values of each tensor of a network. */
  readonly #sizes = new Map<string, number[]>();

  /** Needs a tfjs backend to be set. */
  estimate(run: PlannedRun): ExpectedSize {
    const { data, architecture, options } = findTask(run.task);
    const key = `${run.task} ${run.width}`;
    let sizes = this.#sizes.get(key);
    if (sizes === undefined) {
      const { inputShape, classes } = findDataSource(data);
      sizes = tf.tidy(() => {
        const model = buildModel(architecture, {
          inputShape,
          classes,
          seed: 0,
          options: { ...options, width: run.width },
        });
        const counts = model.weights.map(({ shape }) => tf.util.sizeFromShape(shape as number[]));
        model.dispose();
        return counts;
      });
      this.#sizes.set(key, sizes);
    }
    // How many steps an epoch has is known only with the images; a run with all of them is taken to have MNIST's.
    const steps = Math.ceil((run.epochExamples ?? run.trainExamples ?? 60_000) / run.batchSize) * run.epochs;
    const snapshots = countSnapshots(run.cadence, { epochs: run.epochs, steps });
    const sum = (counts: number[]) => counts.reduce((total, count) => total + count, 0);
    const recorded = sum(sizes.map((size) => Math.min(size, run.scalarsPerTensor ?? size)));
    return { parameters: sum(sizes), recorded, snapshots, bytes: Math.ceil(recorded * 4 * snapshots * COMPRESSION) };
  }
}
