// How long one nowcast of a network of 25 million parameters takes through the callback, everything included: reading the
// weights from the engine, normalizing, forecasting, writing back. Beside it Keras's predict on as many windows that lie
// ready (bench/peers.py keras: forward pass only), the way the published callback asks its networks.
//
//   npm run build && npx tsx bench/callback.bench.ts [--threads 2] [--rounds 3] [--json]
//
// PYTHON names the interpreter that has TensorFlow (default python3). Only ratios of one run mean anything.

import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { createDefaultCompute, type NetworkCompute, type NowcasterSpec } from '../dist/callback/index.js';
import { WeightForecasting } from '../dist/callback/node.js';
import { createWasmCompute } from '../dist/compute/wasmCompute.js';
import { openEngine } from '../dist/engine/index.js';
import { initParameters } from '../dist/network/init.js';
import { PAPER_SPEC } from '../dist/nowcaster/spec.js';
import { Random } from '../dist/random.js';
import { networkOf } from '../src/nowcaster/spec.js';
import { measurePeer } from './peers.js';

const { values: options } = parseArgs({
  options: {
    threads: { type: 'string', default: String(availableParallelism()) },
    rounds: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
  },
});
const threads = Number(options.threads);
const rounds = Number(options.rounds);

/** About as many parameters as a ResNet-50: 8 convolutions of 512 channels and a dense layer. */
function makeModel(): tfl.LayersModel {
  const model = tfl.sequential();
  for (let i = 0; i < 8; i++)
    model.add(
      tfl.layers.conv2d({
        inputShape: [8, 8, 512],
        filters: 512,
        kernelSize: 3,
        padding: 'same',
        kernelInitializer: 'zeros',
      }),
    );
  model.add(tfl.layers.globalAveragePooling2d({}));
  model.add(tfl.layers.dense({ units: 12_000, kernelInitializer: 'zeros' }));
  return model;
}

/** Weights that drift, the same pattern in every tensor so that making them takes no time. */
function setWeights(model: tfl.LayersModel, epoch: number, base: Float32Array, drift: Float32Array): void {
  tf.tidy(() => {
    model.setWeights(
      model.getWeights().map(({ size, shape }) => {
        const values = Float32Array.from(
          { length: size },
          (_, i) => base[i % base.length] + drift[i % drift.length] * epoch,
        );
        return tf.tensor(values, shape);
      }),
    );
  });
}

async function measure(createCompute: (spec: NowcasterSpec) => Promise<NetworkCompute>): Promise<number> {
  const networks = initParameters(networkOf(PAPER_SPEC), 1);
  const callback = new WeightForecasting(
    { spec: PAPER_SPEC, parameters: { conv: networks, fc: networks, bias: networks } },
    // The time of a nowcast; the watch would skip the first ones.
    { compute: createCompute, watch: false },
  );
  const random = new Random(1, 'bench');
  const base = Float32Array.from({ length: 65_537 }, () => 0.1 * random.normal());
  const drift = Float32Array.from({ length: 65_537 }, () => 0.01 * random.normal());
  callback.setModel(model);
  await callback.onTrainBegin();
  let best = Number.POSITIVE_INFINITY;
  for (let epoch = 0; epoch < 5 * rounds; epoch++) {
    setWeights(model, epoch, base, drift);
    await callback.onEpochEnd(epoch);
    // A nowcast is applied when the next epoch begins.
    await callback.onEpochBegin();
  }
  for (const { seconds } of callback.history) best = Math.min(best, seconds);
  await callback.dispose();
  return best;
}

/** Scalars a second of Keras's predict. */
async function measureKeras(): Promise<number> {
  const flags = ['--threads', `${threads}`, '--batches', '8192', '--seconds', '3'];
  const rates = await measurePeer('keras', flags);
  return rates.find(({ work }) => work === 'apply')!.perSecond;
}

await openEngine('wasm');
const model = makeModel();
const scalars = model.countParams();
const results: { contender: string; seconds: number | null; note: string }[] = [];
results.push({
  contender: `callback, kernels, ${threads} threads`,
  seconds: await measure((spec) => createWasmCompute(spec, { threads })),
  note: 'reading, normalizing, forecasting, writing',
});
results.push({
  contender: 'callback, kernels, 1 thread',
  seconds: await measure(createDefaultCompute),
  note: 'as in a page that shares no memory',
});
try {
  results.push({
    contender: `Keras predict, ${threads} threads`,
    seconds: scalars / (await measureKeras()),
    note: 'forward pass only, windows ready',
  });
} catch (error) {
  results.push({ contender: 'Keras predict', seconds: null, note: `not measured: ${(error as Error).message}` });
}

if (options.json) console.log(JSON.stringify({ scalars, results }));
else {
  console.log(`one nowcast of ${scalars.toLocaleString('en-GB')} weights`);
  for (const { contender, seconds, note } of results) {
    const time = seconds === null ? '-' : `${seconds.toFixed(2)} s`;
    console.log(`${contender.padEnd(32)} ${time.padStart(9)}  ${note}`);
  }
}
