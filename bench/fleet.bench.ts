// What the queue costs: jobs a second with empty jobs and 1 to 64 worker loops, what a worker adds to each job, and from
// these and a measured training how many workers there can be until the queue, and not the training, limits. Server,
// workers and plan share this machine, so the results are lower bounds. npm run bench:fleet [-- --json]

import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, Queue, Worker } from 'bullmq';
import { collect } from '../dist/collect/index.js';
import { checkMessage, makeMessage } from '../dist/fleet/message.js';
import { queueExecutor } from '../dist/fleet/queueExecutor.js';
import { runWorker } from '../dist/fleet/worker.js';
import { NO_REDIS, startRedis } from '../test/fleet/redis.js';

const LOOPS = [1, 4, 16, 64];
/** Empty jobs of each measurement. */
const JOBS = 3000;
/** Jobs that go through whole workers, process and files included. */
const WHOLE_JOBS = 200;
/** Jobs on the queue while the plan's look at it is timed. */
const LONG_PLAN = 10_000;
/** Clients that a Redis takes unless told otherwise, and connections of a worker. */
const MAX_CLIENTS = 10_000;
const CONNECTIONS = 2;
/** The run that is measured, and the one that is reckoned from it. */
const MEASURED = { task: 'mnist/lenet', examples: 4000, epochs: 3 };
const WHOLE_RUN = { examples: 60_000, epochs: 30 };

if (NO_REDIS) {
  process.stderr.write(`${NO_REDIS}\n`);
  process.exit(1);
}
const directory = mkdtempSync(join(tmpdir(), 'wnn-bench-fleet-'));
const redis = await startRedis(directory);
const connection: ConnectionOptions = { port: redis.port, maxRetriesPerRequest: null };
const message = makeMessage({
  kind: 'empty',
  id: 'empty',
  toolkitVersion: '0',
  directory: 'store',
  token: '0'.repeat(32),
  units: 1,
  // As large as the plan of a run.
  spec: { text: 'x'.repeat(400) },
});
const seconds = (begin: number) => (performance.now() - begin) / 1000;

async function fill(queue: Queue, count: number): Promise<number> {
  const begin = performance.now();
  for (let i = 0; i < count; i += 500) {
    const jobs = Array.from({ length: Math.min(500, count - i) }, (_, j) => ({
      name: 'empty',
      data: message,
      opts: { jobId: `job-${i + j}`, attempts: 3, removeOnComplete: true },
    }));
    await queue.addBulk(jobs);
  }
  return seconds(begin);
}

/** Jobs a second of so many loops, each with connections of its own, as processes on other machines would have. */
async function measureLoops(loops: number): Promise<number> {
  const queue = new Queue(`loops-${loops}`, { connection });
  await fill(queue, JOBS);
  let done = 0;
  let finish: () => void;
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const workers = Array.from({ length: loops }, () => {
    const work = async (job: { data: unknown }) => {
      checkMessage(job.data);
      if (++done === JOBS) finish();
    };
    return new Worker(queue.name, work, { connection, autorun: false });
  });
  await Promise.all(workers.map((worker) => worker.waitUntilReady()));
  const begin = performance.now();
  for (const worker of workers) void worker.run();
  await finished;
  const rate = JOBS / seconds(begin);
  await Promise.all(workers.map((worker) => worker.close()));
  await queue.close();
  return rate;
}

/** Seconds that a job takes a worker that has nothing to compute: queue, checks, process, directories, renaming. */
async function measureWhole(): Promise<number> {
  const store = join(directory, 'whole');
  mkdirSync(store);
  const kind = {
    name: 'echo',
    entry: new URL('../test/fleet/echoWorker.mjs', import.meta.url),
    isDone: (dir: string, id: string) => readdirSync(dir).includes(`${id}.txt`),
    outputsOf: (id: string) => [`${id}.txt`],
    unitsOf: () => 1,
    unit: 'jobs',
    pack: () => 'write',
    unpack: (_: unknown, id: string, { staging }: { staging: string }) => ({ id, what: 'write', staging }),
  };
  const stop = new AbortController();
  const queue = redis.urlOf('whole');
  let first = 0;
  let last = 0;
  const onNote = (note: string) => {
    if (!note.includes(': done in')) return;
    last = performance.now();
    if (first === 0) first = last;
  };
  const worker = runWorker({ queue, root: directory, kinds: { echo: async () => kind }, onNote, signal: stop.signal });
  const jobs = Array.from({ length: WHOLE_JOBS }, (_, i) => ({ id: `e${i}`, spec: null }));
  await queueExecutor({ queue, root: directory }).execute({ kind: kind as never, directory: store, jobs });
  stop.abort();
  await worker;
  return (last - first) / 1000 / (WHOLE_JOBS - 1);
}

async function measureLook(): Promise<{ add: number; look: number }> {
  const queue = new Queue('look', { connection });
  const add = LONG_PLAN / (await fill(queue, LONG_PLAN));
  const begin = performance.now();
  for (let i = 0; i < 5; i++) await queue.getRanges(['active', 'wait', 'prioritized', 'delayed'], 0, -1);
  const look = seconds(begin) / 5;
  await queue.close();
  return { add, look };
}

/** Progress reports a second that the server takes; each worker sends one a second for each job under way. */
async function measureReports(): Promise<number> {
  const queues = Array.from({ length: 4 }, () => new Queue('reports', { connection }));
  const job = await queues[0].add('empty', message);
  const progress = {
    fraction: 0.5,
    detail: 'epoch 3/30  loss 0.123  1,200 images/s  20 s left',
    rate: 1200,
    worker: 'node-12:34567',
  };
  const begin = performance.now();
  const reports = 5000;
  for (let i = 0; i < reports; i += 100) {
    await Promise.all(
      Array.from({ length: 100 }, (_, j) => queues[j % 4].updateJobProgress(job.id as string, progress)),
    );
  }
  const rate = reports / seconds(begin);
  await Promise.all(queues.map((queue) => queue.close()));
  return rate;
}

/** Images a second of one worker. */
async function measureRun(): Promise<number> {
  const result = await collect({
    store: join(directory, 'runs'),
    tasks: [MEASURED.task],
    epochs: MEASURED.epochs,
    trainExamples: MEASURED.examples,
    validationExamples: 500,
    batchSizes: [128],
    workers: 1,
  });
  return result.imagesPerSecond;
}

const rates: Record<number, number> = {};
for (const loops of LOOPS) rates[loops] = await measureLoops(loops);
const whole = await measureWhole();
const { add, look } = await measureLook();
const reports = await measureReports();
const imagesPerSecond = await measureRun();
await redis.kill();
rmSync(directory, { recursive: true, force: true });

const best = Math.max(...Object.values(rates));
const imagesOf = ({ examples, epochs }: { examples: number; epochs: number }) => examples * epochs;
const rows = [
  { what: 'a job of 1 s', seconds: 1 },
  {
    what: `${MEASURED.task}, ${MEASURED.examples} images, ${MEASURED.epochs} epochs`,
    seconds: imagesOf(MEASURED) / imagesPerSecond,
  },
  {
    what: `${MEASURED.task}, ${WHOLE_RUN.examples} images, ${WHOLE_RUN.epochs} epochs`,
    seconds: imagesOf(WHOLE_RUN) / imagesPerSecond,
  },
].map((row) => ({
  ...row,
  byJobs: best * row.seconds,
  workers: Math.min(best * row.seconds, reports, MAX_CLIENTS / CONNECTIONS),
  overhead: whole / (whole + row.seconds),
}));
const result = {
  rates,
  millisecondsPerJob: 1000 * whole,
  addedPerSecond: add,
  lookMilliseconds: 1000 * look,
  imagesPerSecond,
  rows,
};

if (process.argv.includes('--json')) process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
else {
  const lines = [
    `${cpus()[0]?.model ?? 'unknown CPU'}, ${availableParallelism()} cores; server, workers and plan together`,
    '',
    'empty jobs through the queue:',
    ...LOOPS.map(
      (n) =>
        `  ${String(n).padStart(3)} loops  ${rates[n].toFixed(0).padStart(6)} jobs/s  ${(1000 / rates[n]).toFixed(2)} ms a job`,
    ),
    `one whole worker, nothing to compute: ${(1000 * whole).toFixed(1)} ms a job`,
    `a plan of ${LONG_PLAN} jobs: added at ${add.toFixed(0)} jobs/s, one look at the queue ${(1000 * look).toFixed(0)} ms`,
    `training: ${imagesPerSecond.toFixed(0)} images/s a worker, start and recording included (${MEASURED.task})`,
    '',
    `progress: ${reports.toFixed(0)} reports/s`,
    '',
    'Estimate of the workers W until the queue limits: the least of',
    `  jobs: a worker asks for one in the S seconds that one takes, the queue gives R = ${best.toFixed(0)} a second: W = R x S`,
    `  reports: each worker sends one a second, the server takes ${reports.toFixed(0)}: W = ${reports.toFixed(0)}`,
    `  connections: ${CONNECTIONS} a worker, ${MAX_CLIENTS} a server unless its maxclients is raised: W = ${MAX_CLIENTS / CONNECTIONS}`,
    ...rows.map(
      (row) =>
        `${row.what.padEnd(38)} S = ${row.seconds.toFixed(1).padStart(6)} s  R x S = ${row.byJobs.toFixed(0).padStart(7)}  W = ${row.workers.toFixed(0).padStart(5)}  queue ${(100 * row.overhead).toFixed(3)}% of a worker's time`,
    ),
    'Not measured: thousands of connections, a network between the machines, a shared file system under such load.',
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
process.exit(0);
