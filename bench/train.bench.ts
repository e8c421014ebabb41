// How fast nowcasters are trained and applied: the fused kernels beside the engines of TensorFlow.js, PyTorch and Keras,
// all in one run on the same threads. Contenders take turns, round after round; each keeps its best round, because
// other work on the machine only ever slows one down. Only the ratios of one run mean anything.
//
//   npm run bench:train -- [--json] [--rounds 3] [--seconds 2] [--threads 2] [--batches 1024,8192,65536] [--only NAME,...]
//                          [--family wnn-plus]
//
// PyTorch and Keras have the paper's network only.
// PYTHON names the interpreter that has torch and tensorflow-cpu (default python3); without it those rows say why.

import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { createGenericCompute } from '../src/compute/genericCompute.js';
import { createWasmCompute } from '../src/compute/wasmCompute.js';
import { openEngine } from '../src/engine/engine.js';
import { findFamily } from '../src/families/index.js';
import type { NetworkCompute } from '../src/network/compute.js';
import { initParameters } from '../src/network/init.js';
import type { NowcasterSpec } from '../src/network/spec.js';
import { forecast } from '../src/nowcaster/forecast.js';
import { networkOf, PAPER_SPEC } from '../src/nowcaster/spec.js';
import { Random } from '../src/random.js';
import { createAdamState, stepAdam } from '../src/train/adam.js';
import { addPenalties } from '../src/train/penalties.js';
import { measurePeer, type Rate } from './peers.js';
import { openSimdLimit } from './simdLimit.js';

const APPLY_BATCH = 100_000;

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '2' },
    threads: { type: 'string', default: String(availableParallelism()) },
    batches: { type: 'string', default: '1024,8192,65536' },
    only: { type: 'string', default: 'kernels,tfjs wasm,tfjs tensorflow,torch,torch.compile,keras' },
    family: { type: 'string', default: PAPER_SPEC.family },
  },
});
const family = findFamily(options.family);
if (family === undefined) throw new Error(`no family ${options.family}`);
const { id, defaultConfig: config } = family;
const normalization = family.normalization ?? PAPER_SPEC.normalization;
const spec: NowcasterSpec = { ...PAPER_SPEC, family: id, normalization, config };
const layout = networkOf(spec);
/** The layers on the inputs, which need no gradient. */
const FIRST = /_in$|^hidden_1$/;
/** One dense kernel, for families that look at tensors. */
const TENSORS = [
  { name: 'dense/kernel', kind: 'fc', shape: [100, APPLY_BATCH / 100], offset: 0, size: APPLY_BATCH },
] as const;
const rounds = Number(options.rounds);
const seconds = Number(options.seconds);
const threads = Number(options.threads);
const batches = options.batches.split(',').map(Number);

/** Operations of a sample as the network is written: every multiply-add of a dense layer as two, nothing folded. */
function operationsOf(work: Rate['work']): number {
  const forward = layout.layers.reduce((sum, { inputs, units }) => sum + 2 * inputs * units, 0);
  // Backward: as much for the weights, and for the inputs of all layers but the first.
  const first = layout.layers.reduce(
    (sum, { name, inputs, units }) => sum + (FIRST.test(name) ? 2 * inputs * units : 0),
    0,
  );
  return work === 'apply' ? forward : 3 * forward - first;
}

/** Samples a second of `step`, after a warm-up of three steps. */
async function rateOf(step: () => Promise<void>, samples: number): Promise<number> {
  for (let i = 0; i < 3; i++) await step();
  let steps = 0;
  let elapsed = 0;
  for (const start = performance.now(); elapsed < 1000 * seconds; elapsed = performance.now() - start) {
    await step();
    steps++;
  }
  return (1000 * steps * samples) / elapsed;
}

/** What `wnn train` does in a step, and what the callback does to a batch of weights, from raw values to forecasts. */
async function measureCompute(compute: NetworkCompute): Promise<Rate[]> {
  const rates: Rate[] = [];
  const random = new Random(1, 'bench');
  const draw = (length: number) => Float32Array.from({ length }, () => random.uniform() - 0.5);
  for (const batch of batches) {
    const [windows, targets] = [draw(batch * layout.inputWidth), draw(batch)];
    const parameters = initParameters(networkOf(spec), 1);
    const gradients = new Float32Array(layout.size);
    const adam = createAdamState(layout.size);
    const step = async () => {
      await compute.lossAndGradients(parameters, windows, targets, batch, 'mae', gradients);
      addPenalties(layout, parameters, gradients, { kernelPenalty: 1e-6, biasPenalty: 0.1 });
      stepAdam(parameters, gradients, adam, 1e-3, 0, []);
    };
    rates.push({ work: 'train', batch, perSecond: await rateOf(step, batch) });
  }
  const raw = Array.from({ length: spec.inputLength }, () => draw(APPLY_BATCH));
  const parameters = initParameters(networkOf(spec), 1);
  const forecasts = new Float32Array(APPLY_BATCH);
  const apply = () => forecast(compute, parameters, raw, forecasts, { tensors: TENSORS });
  rates.push({ work: 'apply', batch: APPLY_BATCH, perSecond: await rateOf(apply, APPLY_BATCH) });
  return rates;
}

const limit = await openSimdLimit(threads);
const kernels = await createWasmCompute(spec, { threads });

const peerFlags = ['--threads', `${threads}`, '--batches', batches.join(','), '--seconds', `${seconds}`];

/** How each contender's turn goes. */
const CONTENDERS: Record<string, () => Promise<Rate[]>> = {
  kernels: () => measureCompute(kernels),
  'tfjs wasm': async () => {
    await openEngine('wasm');
    return measureCompute(createGenericCompute(spec));
  },
  'tfjs tensorflow': async () => {
    await openEngine('tensorflow');
    return measureCompute(createGenericCompute(spec));
  },
  torch: () => measurePeer('torch', peerFlags),
  'torch.compile': () => measurePeer('torch.compile', peerFlags),
  keras: () => measurePeer('keras', peerFlags),
};

const best = new Map<string, number>();
const failures: Record<string, string> = {};
let limitRate = 0;
const chosen = options.only.split(',').filter((name) => name in CONTENDERS);
for (let round = 1; round <= rounds; round++) {
  for (const name of chosen) {
    if (name in failures) continue;
    process.stderr.write(`round ${round} of ${rounds}: ${name}\n`);
    try {
      if (name === 'kernels') limitRate = Math.max(limitRate, await limit.measure(seconds));
      for (const { work, batch, perSecond } of await CONTENDERS[name]()) {
        const key = `${name}|${work}|${batch}`;
        best.set(key, Math.max(best.get(key) ?? 0, perSecond));
      }
    } catch (error) {
      failures[name] = (error as Error).message;
    }
  }
}
await kernels.dispose();
await limit.dispose();

const rows = [...batches.map((batch) => ['train', batch] as const), ['apply', APPLY_BATCH] as const].map(
  ([work, batch]) => {
    const rates = Object.fromEntries(chosen.map((name) => [name, best.get(`${name}|${work}|${batch}`) ?? null]));
    const own = rates.kernels ?? 0;
    return {
      work,
      batch,
      rates,
      ratios: Object.fromEntries(
        Object.entries(rates).map(([name, rate]) => [name, rate === null ? null : own / rate]),
      ),
      shareOfLimit: (own * operationsOf(work)) / limitRate,
    };
  },
);
if (options.json) {
  process.stdout.write(`${JSON.stringify({ threads, rounds, seconds, limitRate, rows, failures }, null, 2)}\n`);
} else {
  const cells = (texts: string[]) => `| ${texts.join(' | ')} |\n`;
  let table = cells(['work', 'batch', ...chosen, 'share of SIMD limit']);
  table += cells(Array(chosen.length + 3).fill('---'));
  for (const { work, batch, rates, ratios, shareOfLimit } of rows) {
    const texts = chosen.map((name) => {
      const rate = rates[name];
      if (rate === null) return '-';
      const thousands = `${Math.round(rate / 1000).toLocaleString('en')} k/s`;
      return name === 'kernels' ? thousands : `${thousands} (x${ratios[name]?.toFixed(2)})`;
    });
    table += cells([work, batch.toLocaleString('en'), ...texts, `${(100 * shareOfLimit).toFixed(0)}%`]);
  }
  process.stdout.write(table);
  process.stdout.write(
    `\n${threads} threads, best of ${rounds} rounds; in brackets: kernels over that. ` +
      `SIMD limit ${(limitRate / 1e9).toFixed(1)} G operations/s; a sample is ${operationsOf('train')} operations ` +
      `to train on, ${operationsOf('apply')} to apply, as the network is written.\n`,
  );
  for (const [name, reason] of Object.entries(failures)) process.stdout.write(`${name}: ${reason}\n`);
}
