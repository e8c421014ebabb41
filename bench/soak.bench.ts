// Whether memory and handles stay flat in long use: many jobs through one worker of a queue, many recorded steps, many nowcasts
// of a large model. Looks at the process ten times after equal parts of the work; the first part warms up.
//
//   npm run bench:soak [-- --jobs 10000 --steps 100000 --nowcasts 1000 --parameters 5000000]
//
// A number of 0 leaves that part out. Ends with status 1 when the heap has grown by more than 16 MB, or the resident memory by
// more than 64 MB and a tenth, or the files or tensors at all, from the second look to the last. Jobs need Debian's redis-server.

import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { WeightForecasting } from '../dist/callback/node.js';
import { TrajectoryRecorder } from '../dist/collect/index.js';
import { openEngine } from '../dist/engine/index.js';
import { queueExecutor } from '../dist/fleet/queueExecutor.js';
import { runWorker } from '../dist/fleet/worker.js';
import { Random } from '../dist/random.js';
import { startRedis } from '../test/fleet/redis.js';

const { values } = parseArgs({
  options: {
    jobs: { type: 'string', default: '10000' },
    steps: { type: 'string', default: '100000' },
    nowcasts: { type: 'string', default: '1000' },
    parameters: { type: 'string', default: '5000000' },
  },
});
const LOOKS = 10;
const MB = 2 ** 20;

/** What a process holds. */
interface Look {
  done: number;
  resident: number;
  heap: number;
  files: number;
  tensors: number;
  /** Resident memory of its child processes. */
  children: number;
}

function residentOf(pid: string | number): number {
  const match = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return match ? 1024 * Number(match[1]) : 0;
}

function look(done: number): Look {
  global.gc?.();
  const children = readdirSync('/proc/self/task').flatMap((task) =>
    readFileSync(`/proc/self/task/${task}/children`, 'utf8').trim().split(' ').filter(Boolean),
  );
  const jobs = children.filter((pid) => readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('Worker'));
  return {
    done,
    resident: process.memoryUsage.rss(),
    heap: process.memoryUsage().heapUsed,
    files: readdirSync('/proc/self/fd').length,
    tensors: tf.memory().numTensors,
    children: jobs.reduce((sum, pid) => sum + residentOf(pid), 0),
  };
}

/** Prints the looks. @returns whether nothing has grown since the second. */
function judge(what: string, looks: readonly Look[], begin: number): boolean {
  const count = looks[looks.length - 1].done;
  console.log(`\n${count.toLocaleString('en-GB')} ${what} in ${((performance.now() - begin) / 1000).toFixed(0)} s`);
  const megabytes = (bytes: number) => (bytes / MB).toFixed(1).padStart(9);
  console.log('      done  resident      heap  children  files  tensors');
  for (const { done, resident, heap, children, files, tensors } of looks)
    console.log(
      `${String(done).padStart(10)} ${megabytes(resident)} ${megabytes(heap)} ${megabytes(children)} ${String(files).padStart(6)} ${String(tensors).padStart(8)}`,
    );
  const [first, last] = [looks[1], looks[looks.length - 1]];
  const grown = (bytes: (look: Look) => number) => bytes(last) - bytes(first) > 64 * MB + bytes(first) / 10;
  const flat =
    last.heap - first.heap <= 16 * MB &&
    !grown(({ resident }) => resident) &&
    !grown(({ children }) => children) &&
    last.files <= first.files &&
    last.tensors <= first.tensors;
  console.log(flat ? 'flat' : 'NOT flat');
  return flat;
}

async function soakJobs(directory: string, count: number): Promise<boolean> {
  const redis = await startRedis(directory);
  const store = join(directory, 'jobs');
  mkdirSync(store);
  const kind = {
    name: 'echo',
    entry: new URL('../test/fleet/echoWorker.mjs', import.meta.url),
    isDone: (place: string, id: string) => existsSync(join(place, `${id}.txt`)),
    outputsOf: (id: string) => [`${id}.txt`],
    unitsOf: () => 1,
    unit: 'jobs',
    pack: () => 'write',
    unpack: (_: unknown, id: string, { staging }: { staging: string }) => ({ id, what: 'write', staging }),
  };
  const stop = new AbortController();
  const looks: Look[] = [];
  let done = 0;
  const onNote = (note: string) => {
    if (note.includes(': done in') && ++done % Math.ceil(count / LOOKS) === 0) looks.push(look(done));
  };
  const begin = performance.now();
  const queue = redis.urlOf('soak');
  const worker = runWorker({ queue, root: directory, kinds: { echo: async () => kind }, onNote, signal: stop.signal });
  const jobs = Array.from({ length: count }, (_, i) => ({ id: `e${i}`, spec: null }));
  // The plan in parts, since what it holds of each job is no leak.
  for (let part = 0; part < count; part += count / LOOKS) {
    const some = jobs.slice(part, part + count / LOOKS);
    await queueExecutor({ queue, root: directory }).execute({ kind: kind as never, directory: store, jobs: some });
  }
  stop.abort();
  await worker;
  await redis.kill();
  return judge('jobs through one worker', looks, begin);
}

async function soakRecording(directory: string, count: number): Promise<boolean> {
  const recorder = new TrajectoryRecorder({
    store: join(directory, 'store'),
    id: 'soak',
    cadence: { unit: 'step', every: 1 },
  });
  const network = { kernel: tf.randomNormal([28, 10]), bias: tf.zeros([10]) };
  const looks: Look[] = [];
  const begin = performance.now();
  for (let step = 1; step <= count; step++) {
    await recorder.snapshot(network, { loss: 1 / step });
    if (step % Math.ceil(count / LOOKS) === 0) looks.push(look(step));
  }
  const flat = judge('recorded steps of 290 weights', looks, begin);
  const finishing = performance.now();
  await recorder.finish();
  console.log(
    `to Parquet in ${((performance.now() - finishing) / 1000).toFixed(1)} s; most resident memory so far ` +
      `${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MB`,
  );
  tf.dispose(network);
  return flat;
}

async function soakNowcasts(count: number, parameters: number): Promise<boolean> {
  const width = Math.ceil(Math.sqrt(parameters));
  const model = tfl.sequential();
  model.add(tfl.layers.dense({ inputShape: [width], units: width, kernelInitializer: 'zeros' }));
  const random = new Random(1, 'soak');
  const start = tf.tensor(
    Float32Array.from({ length: width * width }, () => 0.1 * random.normal()),
    [width, width],
  );
  const bias = tf.zeros([width]);
  const callback = await WeightForecasting.load(undefined, { period: 5 });
  const looks: Look[] = [];
  const begin = performance.now();
  let done = 0;
  for (let epoch = 0; done < count; epoch++) {
    tf.tidy(() => model.setWeights([tf.mul(start, 1 + 0.01 * (epoch % 7)), bias]));
    await callback.step(model);
    const nowcasts = callback.history.filter(({ outcome }) => outcome === 'kept').length;
    if (nowcasts > done && nowcasts % Math.ceil(count / LOOKS) === 0) looks.push(look(nowcasts));
    done = nowcasts;
  }
  const flat = judge(`nowcasts of ${(width * width + width).toLocaleString('en-GB')} parameters`, looks, begin);
  await callback.dispose();
  return flat;
}

const directory = mkdtempSync(join(tmpdir(), 'wnn-soak-'));
await openEngine('wasm');
let flat = true;
if (Number(values.steps) > 0) flat = (await soakRecording(directory, Number(values.steps))) && flat;
if (Number(values.nowcasts) > 0)
  flat = (await soakNowcasts(Number(values.nowcasts), Number(values.parameters))) && flat;
if (Number(values.jobs) > 0) flat = (await soakJobs(directory, Number(values.jobs))) && flat;
rmSync(directory, { recursive: true, force: true });
process.exit(flat ? 0 : 1);
