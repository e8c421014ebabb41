// Whole files of every format that the toolkit reads back from itself, to be damaged.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { planRuns } from '../../src/collect/plan.js';
import { makeMessage } from '../../src/fleet/message.js';
import { PAPER_SPEC } from '../../src/nowcaster/spec.js';
import { encodeWeights } from '../../src/nowcaster/weightsFile.js';
import { TOOLKIT_VERSION } from '../../src/version.js';
import { makeStore } from '../dataset/stores.js';
import { parametersOf, writeTraining } from '../export/trainingDirectory.js';
import { makeGoodRun, writeEvaluation } from '../report/syntheticEvaluation.js';
import { writeSamples } from '../train/fixtures.js';

const PLAN = `
tasks: [mnist/lenet, "bible/gpt?depth=2"]
runs: 6
epochs: 12
learningRate: [1e-4, 1e-2]
batchSizes: [32, 64]
optimizers:
  - adam
  - {name: momentum, momentum: 0.8, learningRate: [0.05, 0.06]}
schedules: [constant, cosine]
width: [0.5, 2]
augmentation: &a {shift: 0.1, flip: true}
cadence: {unit: step, every: 5}
`;

/** A job as a plan puts it on a queue. */
function queuedJob() {
  const [run] = planRuns({ tasks: ['mnist/lenet'], augmentation: { flip: true } });
  return makeMessage({
    kind: 'collect',
    id: run.id,
    toolkitVersion: TOOLKIT_VERSION,
    directory: 'store',
    token: '0'.repeat(32),
    units: 30,
    spec: { run, engine: 'wasm' },
  });
}

/** Whole files, and what stands beside some of them. */
export interface Originals {
  /** By the name of their reader in damageThread.mjs. */
  files: Record<string, Uint8Array>;
  /** The files of an evaluation, by their paths. */
  evaluation: Record<string, Uint8Array>;
}

export async function makeOriginals(directory: string): Promise<Originals> {
  const zoo = (name: string) => readFileSync(fileURLToPath(new URL(`../../weights/zoo/${name}`, import.meta.url)));
  const at = (...names: string[]) => readFileSync(join(directory, ...names));
  writeSamples(join(directory, 'samples'), { train: [40], val: [20] });
  writeTraining(join(directory, 'training'));
  await makeStore(directory, [{ id: 'a', epochs: 12 }]);
  writeEvaluation(join(directory, 'evaluation'), [1, 2], makeGoodRun, { tuned: true });
  const runs = readdirSync(join(directory, 'evaluation', 'runs')).map((name) => `runs/${name}`);
  const evaluation = Object.fromEntries(
    ['results.json', 'forecasts.json', ...runs].map((path) => [path, at('evaluation', path)]),
  );
  const weights = encodeWeights(PAPER_SPEC, parametersOf(PAPER_SPEC, 'fc'));
  const files = {
    shard: at('samples', 'fc', 'train-00000.arrow'),
    weights,
    safetensors: weights,
    h5: zoo('NWNN_FC_zoo.h5'),
    'nowcaster.json': zoo('nowcaster.json'),
    'train.json': at('training', 'train.json'),
    'dataset.json': at('samples', 'dataset.json'),
    'run.json': at('run=a', 'run.json'),
    'results.json': at('evaluation', 'results.json'),
    'forecasts.json': at('evaluation', 'forecasts.json'),
    'record.json': at('evaluation', runs[0]),
    'plan.yaml': new TextEncoder().encode(PLAN),
    'job.json': new TextEncoder().encode(JSON.stringify(queuedJob())),
  };
  return { files, evaluation };
}
