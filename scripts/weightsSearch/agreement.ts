// The cheap filter: how a nowcaster's forecasts agree with what happened on the held-out runs of its samples, before any
// training is spent on it. Errors of single scalars say little about what a nowcast saves (weights/README.md).

import { directorySource, readNowcaster } from '../../src/callback/node.js';
import { createDefaultCompute } from '../../src/compute/defaultCompute.js';
import { TRAINED_KINDS, type TrainedKind } from '../../src/nowcaster/spec.js';
import { readDatasetManifest } from '../../src/samples/index.js';
import { openShards } from '../../src/train/sampleShards.js';

/** Samples per call of the network. */
const CHUNK = 32_768;

/** Agreement of forecast changes with true changes of the weights, at the farthest horizon. */
export interface Agreement {
  /** By least squares, forecast change = progress x true change + noise. */
  progress: number;
  /** Root mean square of that noise, relative to the true change. */
  noise: number;
  /** Cosine between forecast and true changes, over all scalars. */
  cosine: number;
}

/** Agreement of each kind on the held-out samples of `samples`, of a nowcaster that predicts changes (`residual`). */
export async function measureAgreement(
  nowcaster: string,
  samples: string,
): Promise<Partial<Record<TrainedKind, Agreement>>> {
  const { spec, parameters } = await readNowcaster(directorySource(nowcaster), nowcaster);
  const manifest = readDatasetManifest(samples);
  const compute = await createDefaultCompute(spec);
  const agreements: Partial<Record<TrainedKind, Agreement>> = {};
  for (const kind of TRAINED_KINDS) {
    const weights = parameters[kind];
    if (weights === undefined) continue;
    const shards = openShards(samples, manifest, kind, 'val', spec);
    const { inputWidth, horizons } = shards;
    let [together, forecast, truth] = [0, 0, 0];
    for (let i = 0; i < shards.rows.length; i++) {
      const { count, inputs, targets, scales } = await shards.read(i);
      const outputs = new Float32Array(Math.min(CHUNK, count) * horizons);
      for (let start = 0; start < count; start += CHUNK) {
        const size = Math.min(CHUNK, count - start);
        await compute.forward(weights, inputs.subarray(start * inputWidth, (start + size) * inputWidth), size, outputs);
        for (let j = 0; j < size; j++) {
          const scale = scales![start + j];
          const predicted = scale * outputs[(j + 1) * horizons - 1];
          const happened = scale * targets[(start + j + 1) * horizons - 1];
          together += predicted * happened;
          forecast += predicted * predicted;
          truth += happened * happened;
        }
      }
    }
    const progress = together / truth;
    agreements[kind] = {
      progress,
      noise: Math.sqrt(Math.max(0, forecast / truth - progress ** 2)),
      cosine: together / Math.sqrt(forecast * truth),
    };
  }
  await compute.dispose();
  return agreements;
}
