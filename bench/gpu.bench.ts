// How fast nowcasters are trained and applied on a GPU: the fused WGSL kernels beside TensorFlow.js on webgpu and on
// tensorflow, and PyTorch, all in one run. Only the ratios of one run mean anything.
//
//   npm run bench:gpu -- [--json] [--seconds 2] [--batches 8192,65536,1048576] [--apply 1048576] [--adapter NAME]
//                        [--only NAME,...]
//
// PYTHON names the interpreter that has torch (default python3). Rows that cannot be measured say why.

import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { createGenericCompute } from '../src/compute/genericCompute.js';
import { openEngine, openWebgpuDevice } from '../src/engine/index.js';
import { type CallTimes, createWebgpuCompute } from '../src/families/wnn/webgpu/index.js';
import type { NetworkCompute } from '../src/network/compute.js';
import { initParameters } from '../src/network/init.js';
import { networkOf, PAPER_SPEC } from '../src/nowcaster/spec.js';
import { Random } from '../src/random.js';
import { createAdamState, stepAdam } from '../src/train/adam.js';
import { measureFmaLimit } from './fmaLimit.js';
import { measurePeer, type Rate } from './peers.js';

/** Operations of a sample, forward and backward, as the network is written. */
const OPERATIONS = 55_000;
const NAMES = ['wgsl', 'tfjs webgpu', 'tfjs tensorflow', 'torch', 'torch.compile'] as const;

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    seconds: { type: 'string', default: '2' },
    batches: { type: 'string', default: '8192,65536,1048576' },
    apply: { type: 'string', default: '1048576' },
    adapter: { type: 'string' },
    only: { type: 'string', default: NAMES.join(',') },
  },
});
const seconds = Number(options.seconds);
const batches = options.batches.split(',').map(Number);
const applyBatch = Number(options.apply);

const spec = PAPER_SPEC;
const largest = Math.max(applyBatch, ...batches);
const random = new Random(1);
const windows = Float32Array.from({ length: largest * spec.inputLength }, () => random.uniform() / 2);
const targets = Float32Array.from({ length: largest }, () => random.normal() / 10);

/** Runs `step` for the time of a measurement, after a warm-up, and returns samples a second. */
async function rateOf(step: () => Promise<unknown>, samples: number): Promise<number> {
  await step();
  const begin = performance.now();
  let steps = 0;
  while (performance.now() - begin < 1000 * seconds) {
    await step();
    steps++;
  }
  return (1000 * steps * samples) / (performance.now() - begin);
}

/** Adds what it measures to `rates`, so that an error keeps what came before it. */
async function measure(compute: NetworkCompute, rates: Rate[]): Promise<void> {
  const parameters = initParameters(networkOf(spec), 1);
  const gradients = new Float32Array(parameters.length);
  const adam = createAdamState(parameters.length);
  for (const batch of batches) {
    const step = async () => {
      await compute.lossAndGradients(parameters, windows, targets, batch, 'mae', gradients);
      stepAdam(parameters, gradients, adam, 1e-3, 0, []);
    };
    rates.push({ work: 'train', batch, perSecond: await rateOf(step, batch) });
  }
  const outputs = new Float32Array(applyBatch);
  const apply = () => compute.forward(parameters, windows, applyBatch, outputs);
  rates.push({ work: 'apply', batch: applyBatch, perSecond: await rateOf(apply, applyBatch) });
}

/** The parts of one training step of the kernels, at each batch. */
async function splitSteps(device: GPUDevice): Promise<Record<number, CallTimes>> {
  let last: CallTimes | undefined;
  const compute = await createWebgpuCompute(spec, networkOf(spec), device, {
    onTimes: (times) => {
      last = times;
    },
  });
  const parameters = initParameters(networkOf(spec), 1);
  const gradients = new Float32Array(parameters.length);
  const splits: Record<number, CallTimes> = {};
  for (const batch of batches) {
    for (let i = 0; i < 3; i++) await compute.lossAndGradients(parameters, windows, targets, batch, 'mae', gradients);
    splits[batch] = last!;
  }
  await compute.dispose();
  return splits;
}

const peerFlags = [
  ...['--gpu', '--batches', options.batches, '--apply-batch', options.apply],
  ...['--seconds', `${seconds}`, '--threads', `${availableParallelism()}`],
];

const CONTENDERS: Record<(typeof NAMES)[number], (rates: Rate[]) => Promise<unknown>> = {
  wgsl: async (rates) => {
    const compute = await createWebgpuCompute(spec, networkOf(spec), await openWebgpuDevice(options.adapter));
    return measure(compute, rates).finally(() => compute.dispose());
  },
  'tfjs webgpu': async (rates) => {
    await openEngine('webgpu', { adapter: options.adapter });
    return measure(createGenericCompute(spec), rates);
  },
  'tfjs tensorflow': async (rates) => {
    await openEngine('tensorflow');
    return measure(createGenericCompute(spec), rates);
  },
  torch: async (rates) => rates.push(...(await measurePeer('torch', peerFlags))),
  'torch.compile': async (rates) => rates.push(...(await measurePeer('torch.compile', peerFlags))),
};

const device = await openWebgpuDevice(options.adapter);
const { description: gpu } = await openEngine('webgpu', { adapter: options.adapter });
const limit = await measureFmaLimit(device, Math.min(seconds, 1));
const splits = await splitSteps(device);
const rates: Record<string, Rate[]> = {};
const failures: Record<string, string> = {};
const chosen = NAMES.filter((name) => options.only.split(',').includes(name));
for (const name of chosen) {
  process.stderr.write(`${name}\n`);
  try {
    rates[name] = [];
    await CONTENDERS[name](rates[name]);
  } catch (error) {
    failures[name] = (error as Error).message;
  }
}

const rowOf = (work: Rate['work'], batch: number) => {
  const found = chosen.map((name) => rates[name]?.find((rate) => rate.work === work && rate.batch === batch));
  return { work, batch, perSecond: found.map((rate) => rate?.perSecond ?? null) };
};
const rows = [...batches.map((batch) => rowOf('train', batch)), rowOf('apply', applyBatch)];
const shareOf = (batch: number) => {
  const rate = rates.wgsl?.find((one) => one.work === 'train' && one.batch === batch);
  return rate === undefined ? null : (rate.perSecond * OPERATIONS) / limit;
};
const shares = Object.fromEntries(batches.map((batch) => [batch, shareOf(batch)]));
if (options.json) {
  process.stdout.write(`${JSON.stringify({ gpu, limit, names: chosen, rows, shares, splits, failures }, null, 2)}\n`);
} else {
  const line = (cells: (string | number)[]) => `| ${cells.join(' | ')} |\n`;
  let text = `${gpu}; multiply-add limit ${(limit / 1e12).toFixed(3)} TFLOP/s\n\n`;
  text += line(['work', 'batch', ...chosen, 'wgsl of the limit']) + line(Array(chosen.length + 3).fill('---'));
  for (const { work, batch, perSecond } of rows) {
    const share = work === 'train' ? shares[batch] : null;
    const cells = perSecond.map((rate) => (rate === null ? '-' : Math.round(rate).toLocaleString('en')));
    text += line([work, batch.toLocaleString('en'), ...cells, share == null ? '-' : `${(100 * share).toFixed(1)}%`]);
  }
  text += '\nOne training step of the kernels, its parts one after the other, in ms:\n\n';
  text += line(['batch', 'upload', 'compute', 'read-back']) + line(Array(4).fill('---'));
  for (const batch of batches) {
    const { upload, compute, readBack } = splits[batch];
    text += line([batch.toLocaleString('en'), ...[upload, compute, readBack].map((ms) => ms.toFixed(2))]);
  }
  for (const [name, reason] of Object.entries(failures)) text += `\n${name}: ${reason}`;
  process.stdout.write(`${text}\n`);
}
process.exit(0);
