// What a snapshot of a sampled recording costs beside reading all tensors once: 100 M parameters on tfjs's wasm backend.
//
//   npm run bench:sampled -- [--json] [--rounds 5] [--parameters 100] [--scalars 20000]
//
// `--parameters` in millions, in 24 tensors. Each contender keeps its best round, since other work only slows one down.
// Both are a round each in turns, in seconds of a core; memory is that of the process beyond the network after two
// snapshots.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import { formatTable } from '../src/cli/table.js';
import { TrajectoryRecorder } from '../src/collect/index.js';
import { openEngine } from '../src/engine/index.js';
import { measureBytes } from '../src/inspect/runs.js';

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '5' },
    parameters: { type: 'string', default: '100' },
    scalars: { type: 'string', default: '20000' },
  },
});
const TENSORS = 24;
const each = Math.round((Number(options.parameters) * 1e6) / TENSORS / 1024);
const scalarsPerTensor = Number(options.scalars);

await openEngine('wasm');
const network = Object.fromEntries(
  Array.from({ length: TENSORS }, (_, i) => [`layer${i}/kernel`, tf.variable(tf.randomNormal([1024, each], 0, 0.05))]),
);
/** A step of training: new tensors in the variables. */
const train = () => tf.tidy(() => Object.values(network).map((variable) => variable.assign(tf.mul(variable, 0.999))));

const store = mkdtempSync(join(tmpdir(), 'wnn-bench-sampled-'));
const recorder = new TrajectoryRecorder({ store, id: 'sampled', scalarsPerTensor });
const megabytes = (bytes: number) => Math.round(bytes / 1e6);
/** Time that cores have worked for this process, whatever else the machine does. */
const coreSeconds = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};
const timed = async (work: () => Promise<unknown>) => {
  const begin = coreSeconds();
  await work();
  return coreSeconds() - begin;
};

try {
  const before = process.memoryUsage().rss;
  const first = await timed(() => recorder.snapshot(network, { loss: 1 }));
  const records: number[] = [];
  const reads: number[] = [];
  // Two snapshots, before anything reads whole tensors.
  await recorder.snapshot(network, { loss: 1 });
  const memory = process.memoryUsage().rss - before;
  for (let round = 0; round < Number(options.rounds); round++) {
    train();
    records.push(await timed(() => recorder.snapshot(network, { loss: 1 })));
    train();
    reads.push(
      await timed(async () => {
        // One after the other, as few as can be in memory at a time.
        for (const variable of Object.values(network)) await variable.data();
      }),
    );
  }
  const { directory } = recorder;
  const snapshots = Number(options.rounds) + 2;
  await recorder.finish();
  const result = {
    parameters: each * 1024 * TENSORS,
    scalars: TENSORS * scalarsPerTensor,
    firstSeconds: first,
    recordSeconds: Math.min(...records),
    readSeconds: Math.min(...reads),
    ratio: Math.min(...records) / Math.min(...reads),
    memoryMegabytes: megabytes(memory),
    networkMegabytes: megabytes(4 * each * 1024 * TENSORS),
    megabytesPerSnapshot: measureBytes(directory as string) / 1e6 / snapshots,
  };
  if (options.json) console.log(JSON.stringify(result));
  else
    console.log(
      formatTable(
        ['what', 'value'],
        Object.entries(result).map(([name, value]) => [name, String(Number(value.toPrecision(4)))]),
      ),
    );
} finally {
  rmSync(store, { recursive: true, force: true });
}
