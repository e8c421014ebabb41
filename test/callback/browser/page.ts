// The page of threads.test.ts: makes what a training page would make, and tells how its threads fared.

import { initParameters } from '../../../src/network/init.js';
import { networkOf, PAPER_SPEC } from '../../../src/nowcaster/spec.js';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { createDefaultCompute, WeightForecasting } from '../../../src/callback/index.js';
import { computeAll } from './threads.js';

export interface PageResult {
  isolated: boolean;
  description: string;
  digest: string;
  notes: string[];
  /** Workers that were the last to end a job, of all jobs until there were two of them. */
  enders: number;
  trainingNotes: string[];
  outcomes: string[];
}

const enders = new Set<Worker>();
const { Worker: PlainWorker } = globalThis;
globalThis.Worker = class extends PlainWorker {
  constructor(address: string | URL, options?: WorkerOptions) {
    super(address, options);
    this.addEventListener('message', ({ data }) => data === 'ended' && enders.add(this));
  }
};

/** Computes, and trains for two nowcasts in two fits. The workers of the first compute stay; `end` ends them. */
async function run(): Promise<PageResult> {
  const notes: string[] = [];
  const compute = await createDefaultCompute(PAPER_SPEC, (note) => notes.push(note));
  Object.assign(globalThis, { end: () => compute.dispose() });
  const digest = await computeAll(compute);
  const outputs = new Float32Array(4096);
  for (let job = 0; compute.description !== 'wasm, 1 thread' && enders.size < 2 && job < 5000; job++)
    await compute.forward(initParameters(networkOf(PAPER_SPEC), 1), new Float32Array(4096 * 5), 4096, outputs);

  const trainingNotes: string[] = [];
  const network = initParameters(networkOf(PAPER_SPEC), 1);
  const nowcasting = new WeightForecasting(
    { spec: PAPER_SPEC, parameters: { conv: network, fc: network, bias: network } },
    { watch: false, onNote: (note) => trainingNotes.push(note) },
  );
  const model = tfl.sequential({ layers: [tfl.layers.dense({ units: 1, inputShape: [3] })] });
  model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
  const outcomes: string[] = [];
  for (let fit = 0; fit < 2; fit++) {
    await model.fit(tf.ones([4, 3]), tf.ones([4, 1]), { epochs: 6, callbacks: [nowcasting], verbose: 0 });
    outcomes.push(...nowcasting.history.map(({ outcome }) => outcome));
  }
  await nowcasting.dispose();
  return {
    isolated: globalThis.crossOriginIsolated,
    description: compute.description,
    digest,
    notes,
    enders: enders.size,
    trainingNotes,
    outcomes,
  };
}

Object.assign(globalThis, { run });
