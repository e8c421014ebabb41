// How fast samples are made from a synthetic trajectory store, and in how much memory, beside a vectorized numpy and
// pyarrow script that does the same (dataset_peer.py). Each contender is a process of its own, on the same store, with
// the store's files in the page cache; they take turns and each keeps its best round.
//
//   npm run bench:dataset -- [--gigabytes 4] [--scalars 1000] [--threads 2] [--memory-mib 1024] [--rounds 2] [--json]
//                            [--dir DIR] [--keep]
//
// PYTHON names the interpreter that has numpy and pyarrow (default python3); without it those rows say why. The store
// is made under --dir (default: the system's temporary directory) and removed at the end, unless --keep is given.

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { RunWriter } from '../src/trajectory/runWriter.js';
import type { TensorSpec } from '../src/trajectory/schema.js';

const { values: options } = parseArgs({
  options: {
    gigabytes: { type: 'string', default: '4' },
    scalars: { type: 'string', default: '1000' },
    threads: { type: 'string', default: String(availableParallelism()) },
    'memory-mib': { type: 'string', default: '1024' },
    rounds: { type: 'string', default: '2' },
    dir: { type: 'string', default: join(tmpdir(), 'wnn-bench-dataset') },
    keep: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});

/** Epochs of a run of the store. */
const EPOCHS = 92;

/** The tensors of a ResNet-20: 272,474 values that are trained and 1,376 running statistics. */
function resnetTensors(): TensorSpec[] {
  const tensors: TensorSpec[] = [];
  const addLayer = (inputs: number, outputs: number) => {
    const name = `conv${tensors.length / 5}`;
    tensors.push({ name: `${name}/kernel`, kind: 'conv', shape: [3, 3, inputs, outputs] });
    for (const part of ['gamma', 'beta', 'moving_mean', 'moving_variance'])
      tensors.push({ name: `${name}_bn/${part}`, kind: 'norm', shape: [outputs] });
  };
  addLayer(3, 16);
  for (const [width, before] of [
    [16, 16],
    [32, 16],
    [64, 32],
  ])
    for (let i = 0; i < 6; i++) addLayer(i === 0 ? before : width, width);
  tensors.push(
    { name: 'dense/kernel', kind: 'fc', shape: [64, 10] },
    { name: 'dense/bias', kind: 'bias', shape: [10] },
  );
  return tensors;
}

/** Records runs of weights that settle slowly, with noise of a few per cent of a step. */
async function makeStore(store: string, gigabytes: number): Promise<void> {
  const tensors = resnetTensors();
  const sizes = tensors.map(({ shape }) => shape.reduce((product, size) => product * size, 1));
  const runs = Math.max(2, Math.round((gigabytes * 1e9) / (4 * EPOCHS * sizes.reduce((a, b) => a + b))));
  let state = 12345;
  const noise = () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state / 2147483648;
  };
  for (let run = 0; run < runs; run++) {
    const id = `bench-${String(run).padStart(4, '0')}`;
    if (existsSync(join(store, `run=${id}`, 'weights-00000.parquet'))) continue;
    process.stderr.write(`\rmaking the store: run ${run + 1} of ${runs}`);
    const writer = RunWriter.create(
      store,
      {
        id,
        source: 'zoo',
        task: 'cifar10',
        architecture: `resnet-${run % 4}`,
        optimizer: null,
        hyperparameters: {},
        seed: run,
        engine: null,
        epochsPlanned: EPOCHS,
      },
      tensors,
    );
    const values = sizes.map((size) => Float32Array.from({ length: size }, () => noise() * 0.1));
    const drift = sizes.map((size) => Float32Array.from({ length: size }, () => noise() * 0.01));
    for (let epoch = 0; epoch < EPOCHS; epoch++) {
      const pace = 1 / (1 + 0.1 * epoch);
      for (const [t, tensor] of values.entries())
        for (let i = 0; i < tensor.length; i++) tensor[i] += pace * (drift[t][i] + noise() * 0.001);
      await writer.append({ epoch, values, metrics: {} });
    }
    await writer.finish('complete');
  }
  process.stderr.write('\n');
}

interface Measurement {
  name: string;
  seconds: number;
  samples: number;
  /** Bytes. */
  peakMemory: number;
  outputBytes: number;
  problem?: string;
}

function bytesUnder(dir: string): number {
  return readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .map((name) => statSync(join(dir, name)))
    .reduce((sum, entry) => sum + (entry.isFile() ? entry.size : 0), 0);
}

/** Runs one contender; its last line of output is JSON with seconds, samples and peakMemory. */
function measure(name: string, command: string, args: string[], out: string): Measurement {
  rmSync(out, { recursive: true, force: true });
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 2 ** 26 });
  const failed = { name, seconds: Number.NaN, samples: 0, peakMemory: 0, outputBytes: 0 };
  if (status !== 0)
    return {
      ...failed,
      problem: error?.message ?? stderr.split('\n').find((line) => line.includes('Error')) ?? `exit ${status}`,
    };
  const result = JSON.parse(stdout.trim().split('\n').at(-1) as string);
  return { name, ...result, outputBytes: bytesUnder(out) };
}

const OURS = `
const { buildDataset } = await import(process.argv[1]);
const options = JSON.parse(process.argv[2]);
const start = performance.now();
const { manifest } = await buildDataset(options);
const seconds = (performance.now() - start) / 1000;
const samples = Object.values(manifest.kinds).reduce((sum, kind) => sum + kind.samples, 0);
console.log(JSON.stringify({ seconds, samples, peakMemory: process.resourceUsage().maxRSS * 1024 }));
`;

const store = join(options.dir, `store-${options.gigabytes}`);
const out = join(options.dir, 'samples');
const scalars = Number(options.scalars);
const threads = Number(options.threads);
await makeStore(store, Number(options.gigabytes));
for (const name of readdirSync(store, { recursive: true, encoding: 'utf8' }))
  if (name.endsWith('.parquet')) readFileSync(join(store, name));
const storeBytes = bytesUnder(store);

const module = new URL('../dist/dataset/index.js', import.meta.url).href;
const peer = fileURLToPath(new URL('./dataset_peer.py', import.meta.url));
const python = process.env.PYTHON ?? 'python3';
const memory = Number(options['memory-mib']) * 2 ** 20;
const contenders: (() => Measurement)[] = [
  () =>
    measure(
      `wnn dataset, ${threads} threads`,
      process.execPath,
      [
        '--input-type=module',
        '-e',
        OURS,
        module,
        JSON.stringify({ stores: store, out, scalarsPerTensor: scalars, threads, memory }),
      ],
      out,
    ),
  ...[...new Set([1, threads])].map(
    (processes) => () =>
      measure(
        `numpy + pyarrow, ${processes} process${processes > 1 ? 'es' : ''}`,
        python,
        [
          peer,
          store,
          out,
          '--scalars',
          String(scalars),
          '--processes',
          String(processes),
          '--threads',
          String(threads),
        ],
        out,
      ),
  ),
];
const best: Measurement[] = [];
for (let round = 0; round < Number(options.rounds); round++)
  for (const [i, run] of contenders.entries()) {
    const result = run();
    process.stderr.write(`${result.name}: ${result.problem ?? `${result.seconds.toFixed(1)} s`}\n`);
    if (best[i] === undefined || result.seconds < best[i].seconds) best[i] = result;
  }
rmSync(out, { recursive: true, force: true });
if (!options.keep) rmSync(options.dir, { recursive: true, force: true });

const values = resnetTensors().reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
if (options.json) console.log(JSON.stringify({ storeBytes, threads, memory, results: best }, null, 2));
else {
  console.log(
    `store: ${(storeBytes / 1e9).toFixed(2)} GB of Parquet, ${values.toLocaleString('en-GB')} values a snapshot`,
  );
  console.log('| | samples/s | store MB/s | seconds | peak memory MiB |');
  console.log('| --- | ---: | ---: | ---: | ---: |');
  for (const { name, problem, samples, seconds, peakMemory } of best)
    console.log(
      problem
        ? `| ${name} | ${problem} | | | |`
        : `| ${name} | ${Math.round(samples / seconds).toLocaleString('en-GB')} | ` +
            `${Math.round(storeBytes / 1e6 / seconds)} | ${seconds.toFixed(1)} | ${Math.round(peakMemory / 2 ** 20)} |`,
    );
}
