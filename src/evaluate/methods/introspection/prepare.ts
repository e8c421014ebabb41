// Trains the introspection network of an evaluation once on a trajectory store, and stores it with the results.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { writeJsonAtomic } from '../../../atomic.js';
import { InsufficientDataError } from '../../../errors.js';
import { readEvaluationFile } from '../../../evaluation/files.js';
import { EVALUATION_SCHEMA_VERSION } from '../../../evaluation/schema.js';
import { DEFAULT_KINDS, type TrainedKind } from '../../../nowcaster/spec.js';
import type { ProgressListener } from '../../../progress.js';
import { Random } from '../../../random.js';
import { isFinished, listRuns, type RunEntry, readSnapshots } from '../../../trajectory/runReader.js';
import { historyEpochs } from './callback.js';
import { INTROSPECTION_SIZE, type IntrospectionSamples, trainIntrospection } from './network.js';

/** Least epoch to learn a jump from: below it the moments of the history coincide. */
const FIRST_EPOCH = 5;
/** Samples at most, which bounds the memory; and weights followed at most through each run. */
const SAMPLES = 500_000;
const WEIGHTS_PER_RUN = 2000;
/** Optimizer steps, as in the paper. */
const STEPS = 30_000;
const SEED = 1;

/** Values of some weights of a run, drawn evenly from all its kernels and biases: one array an epoch. */
async function followWeights(entry: RunEntry, weights: number): Promise<Float32Array[]> {
  const specs = entry.manifest.tensors.filter(({ kind }) => DEFAULT_KINDS.includes(kind as TrainedKind));
  if (specs.length === 0) return [];
  const tensors = specs.map(({ name }) => name);
  const sizes = specs.map(({ shape }) => shape.reduce((product, length) => product * length, 1));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const chosen = new Random(SEED, 'introspection', entry.manifest.id).sample(total, weights);
  const epochs: Float32Array[] = [];
  for await (const { values } of readSnapshots(entry.directory, { tensors })) {
    const taken = new Float32Array(chosen.length);
    let tensor = 0;
    let begin = 0;
    for (const [i, index] of chosen.entries()) {
      while (index >= begin + sizes[tensor]) begin += sizes[tensor++];
      taken[i] = values[tensor][index - begin];
    }
    epochs.push(taken);
  }
  return epochs;
}

/** All samples of a store: every followed weight at every epoch whose double was recorded. */
export async function collectIntrospectionSamples(store: string): Promise<IntrospectionSamples> {
  const runs = listRuns(store).filter(({ manifest }) => isFinished(manifest.status));
  const moments = runs.reduce((sum, { manifest }) => sum + manifest.snapshotsRecorded / 2, 0);
  const weights = Math.max(1, Math.min(WEIGHTS_PER_RUN, Math.floor(SAMPLES / moments)));
  const histories: number[] = [];
  const futures: number[] = [];
  for (const run of runs) {
    const epochs = await followWeights(run, weights);
    for (let t = FIRST_EPOCH; 2 * t < epochs.length; t++) {
      const seen = historyEpochs(t).map((epoch) => epochs[epoch]);
      for (let j = 0; j < epochs[0].length; j++) {
        for (const moment of seen) histories.push(moment[j]);
        futures.push(epochs[2 * t][j]);
      }
    }
  }
  if (futures.length === 0)
    throw new InsufficientDataError({
      what: `no finished run of ${2 * FIRST_EPOCH + 1} epochs or more to train introspection on`,
      where: store,
      remedy: 'collect longer runs, or leave the method introspection out',
    });
  return { histories: Float32Array.from(histories), futures: Float32Array.from(futures), count: futures.length };
}

/** Where the trained network of an evaluation is. */
export function introspectionPath(out: string, contentHash: string): string {
  return join(out, `introspection-${contentHash.slice(0, 8)}.json`);
}

/** The parameters that {@link prepareIntrospection} left. */
export function readIntrospection(out: string, contentHash: string): Float32Array {
  const { parameters } = readEvaluationFile(introspectionPath(out, contentHash));
  return Float32Array.from(parameters as number[]);
}

/**
 * Trains the network unless it is there already. The same store gives the same network.
 *
 * @param contentHash of the store; see introspectionMethod.
 * @param steps optimizer steps. Default 30,000.
 * @throws {@link InsufficientDataError} when the store holds too little, MissingFileError when it is not there;
 * `signal.reason` when aborted.
 */
export async function prepareIntrospection(
  out: string,
  store: string,
  contentHash: string,
  { steps = STEPS, signal, onProgress }: { steps?: number; signal?: AbortSignal; onProgress?: ProgressListener } = {},
): Promise<void> {
  const path = introspectionPath(out, contentHash);
  if (existsSync(path) && readIntrospection(out, contentHash).length === INTROSPECTION_SIZE) return;
  const report = (done: number, detail?: string) =>
    onProgress?.({ task: 'introspection', done, total: steps, unit: 'steps', detail });
  report(0, 'reading the store');
  const samples = await collectIntrospectionSamples(store);
  const onStep = (step: number) => report(step, `${samples.count.toLocaleString('en-GB')} samples`);
  const parameters = await trainIntrospection(samples, { seed: SEED, steps, signal, onStep });
  writeJsonAtomic(path, {
    schemaVersion: EVALUATION_SCHEMA_VERSION,
    samples: samples.count,
    steps,
    seed: SEED,
    parameters: [...parameters],
  });
}
