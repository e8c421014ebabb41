// A training's directory as the train stage leaves it, with random networks in place of trained ones.

import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { initParameters } from '../../src/network/init.js';
import type { NowcasterSpec } from '../../src/network/spec.js';
import { DEFAULT_KINDS, networkOf, PAPER_SPEC, type TrainedKind } from '../../src/nowcaster/spec.js';
import {
  bestWeightsPath,
  type KindTraining,
  TRAINING_RECORD_NAME,
  TRAINING_SCHEMA_VERSION,
  type TrainingRecord,
} from '../../src/nowcaster/trainingRecord.js';
import { encodeWeights } from '../../src/nowcaster/weightsFile.js';

/** Parameters of a kind in {@link writeTraining}. */
export function parametersOf(spec: NowcasterSpec, kind: TrainedKind): Float32Array {
  return initParameters(networkOf(spec), `training ${kind}`);
}

/** Writes `train.json` and the best weights of each kind. */
export function writeTraining(
  directory: string,
  spec: NowcasterSpec = PAPER_SPEC,
  kinds: readonly TrainedKind[] = DEFAULT_KINDS,
): TrainingRecord {
  const record: TrainingRecord = {
    schemaVersion: TRAINING_SCHEMA_VERSION,
    toolkitVersion: '0.0.0',
    spec,
    kinds: {},
    dataset: {
      sha256: '0'.repeat(64),
      cadence: { unit: 'epoch', every: 1 },
      seed: 1,
      runs: [
        { id: 'a', sha256: '1', split: 'train', task: 'mnist', architecture: 'lenet', snapshots: 20, samples: 400 },
        { id: 'b', sha256: '2', split: 'val', task: 'mnist', architecture: 'mlp', snapshots: 20, samples: 250 },
      ],
    },
  };
  for (const kind of kinds) {
    const weights = bestWeightsPath(kind);
    const bytes = encodeWeights(spec, parametersOf(spec, kind));
    mkdirSync(dirname(join(directory, weights)), { recursive: true });
    writeFileSync(join(directory, weights), bytes);
    record.kinds[kind] = {
      trainSamples: 500,
      validationSamples: 150,
      steps: 40,
      epochs: 4,
      bestStep: 30,
      bestEpoch: 3,
      trainLoss: 0.2,
      validation: { noChange: 0.4, linear: 0.3, network: 0.2 },
      rawValidation: { noChange: 0.04, linear: 0.03, network: 0.02 },
      horizons: spec.horizons.map((horizon) => {
        const errors = { noChange: 0.4, linear: 0.3, network: 0.2 };
        return { horizon, ...errors, raw: errors };
      }),
      ended: 'planned',
      rollbacks: 0,
      engine: 'wasm',
      settings: { seed: 0, loss: 'mae', batchSize: 50, learningRate: 0.001 },
      weights,
      weightsSha256: createHash('sha256').update(bytes).digest('hex'),
    } as KindTraining;
  }
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, TRAINING_RECORD_NAME), JSON.stringify(record));
  return record;
}
