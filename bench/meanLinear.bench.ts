// What mean-linear costs in a training of LeNet: seconds of reading snapshots, summing them and jumping, beside those of the
// steps, in batches of 128 on the wasm engine with one thread.
//
//   npm run build && npx tsx bench/meanLinear.bench.ts [--steps 400] [--rounds 3] [--every 10] [--json]
//
// Rounds with and without take turns, so that the load of the machine falls on both; the share is that of the time spent in
// the callback, measured around each of its calls.

import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import { MeanLinearForecasting } from '../dist/callback/node.js';
import { openEngine } from '../dist/engine/index.js';
import { buildModel } from '../dist/zoo/index.js';

const { values: options } = parseArgs({
  options: {
    steps: { type: 'string', default: '400' },
    rounds: { type: 'string', default: '3' },
    every: { type: 'string', default: '10' },
    json: { type: 'boolean', default: false },
  },
});
const [steps, rounds, every] = [options.steps, options.rounds, options.every].map(Number);

const engine = await openEngine('wasm', {});
const x = tf.randomUniform([128, 28, 28, 1], 0, 1, 'float32', 3);
const y = tf.tensor1d(Float32Array.from({ length: 128 }, (_, i) => i % 10));

/** Seconds of a training's steps, and of the calls of its callback; how many jumps there were. */
async function train(callback: MeanLinearForecasting | null) {
  const model = buildModel('lenet', { inputShape: [28, 28, 1], classes: 10, seed: 1 });
  model.compile({ optimizer: tf.train.adam(1e-3), loss: 'sparseCategoricalCrossentropy' });
  let [own, jumps] = [0, 0];
  const started = performance.now();
  for (let step = 0; step < steps; step++) {
    const loss = (await model.trainOnBatch(x, y)) as number;
    const before = performance.now();
    if ((await callback?.step(model, loss))?.outcome === 'kept') jumps++;
    own += performance.now() - before;
  }
  const seconds = (performance.now() - started) / 1000;
  const parameters = model.countParams();
  model.dispose();
  return { seconds, callbackSeconds: own / 1000, jumps, parameters };
}

const results: Record<string, Awaited<ReturnType<typeof train>>[]> = { plain: [], 'mean-linear': [], watched: [] };
const cadence = { unit: 'step', every } as const;
for (let round = 0; round < rounds; round++) {
  results.plain.push(await train(null));
  results['mean-linear'].push(await train(new MeanLinearForecasting({ cadence, watch: false })));
  results.watched.push(await train(new MeanLinearForecasting({ cadence, length: 10 * steps })));
}
const summary = Object.entries(results).map(([method, runs]) => {
  const best = runs.reduce((a, b) => (a.seconds < b.seconds ? a : b));
  return { method, ...best, share: best.callbackSeconds / best.seconds };
});
if (options.json) console.log(JSON.stringify({ engine: engine.description, steps, every, summary }));
else {
  console.log(
    `${engine.description}; LeNet, ${summary[0].parameters} parameters, ${steps} steps of 128, snapshots every ${every}`,
  );
  for (const { method, seconds, jumps, share } of summary)
    console.log(
      `${method.padEnd(12)} ${seconds.toFixed(2)} s, ${jumps} jumps, ${(100 * share).toFixed(2)}% in the callback`,
    );
}
process.exit(0);
