// What recording costs: its share of a training's time, its memory, the speed of the store's files beside pyarrow's, and
// how training scales with worker processes.
//
//   npm run bench:collect -- [--json] [--rounds 3] [--images 6000] [--epochs 4]
//
// PYTHON names the interpreter that has pyarrow (default python3); without it those rows say why. Each contender keeps
// its best round, since other work on the machine only slows one down.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { formatTable } from '../src/cli/table.js';
import type { CollectOptions, CollectResult } from '../src/collect/index.js';
import { Random } from '../src/random.js';
import { countValues } from '../src/trajectory/manifest.js';
import { readSnapshots } from '../src/trajectory/runReader.js';
import { RunWriter } from '../src/trajectory/runWriter.js';
import type { RunInfo, Snapshot, TensorSpec } from '../src/trajectory/schema.js';

// Workers are processes of compiled code.
const { collect } = (await import(new URL('../dist/collect/index.js', import.meta.url).href)) as {
  collect(options: CollectOptions): Promise<CollectResult>;
};

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '3' },
    images: { type: 'string', default: '6000' },
    epochs: { type: 'string', default: '4' },
  },
});
const rounds = Number(options.rounds);
const directory = mkdtempSync(join(tmpdir(), 'wnn-bench-collect-'));
const megabytes = (bytes: number) => bytes / 1e6;

/** The tensors of a ResNet-20 for 32x32 images: 272,474 trained values and the moving statistics. */
function resnet20(): TensorSpec[] {
  const tensors: TensorSpec[] = [];
  const block = (name: string, from: number, to: number) => {
    tensors.push({ name: `${name}/kernel`, kind: 'conv', shape: [3, 3, from, to] });
    for (const own of ['gamma', 'beta', 'moving_mean', 'moving_variance'])
      tensors.push({ name: `${name}_bn/${own}`, kind: 'norm', shape: [to] });
  };
  block('stem', 3, 16);
  let from = 16;
  for (const to of [16, 32, 64])
    for (let i = 0; i < 3; i++) {
      block(`block_${to}_${i}_a`, from, to);
      block(`block_${to}_${i}_b`, to, to);
      from = to;
    }
  tensors.push(
    { name: 'classes/kernel', kind: 'fc', shape: [64, 10] },
    { name: 'classes/bias', kind: 'bias', shape: [10] },
  );
  return tensors;
}

const INFO: Omit<RunInfo, 'id'> = {
  source: 'zoo',
  task: 'cifar10',
  architecture: 'resnet-20',
  optimizer: null,
  hyperparameters: {},
  seed: 1,
  engine: null,
  epochsPlanned: null,
};

/** Weights that start at random and drift, so that they compress as real ones do. */
function* drift(tensors: readonly TensorSpec[], epochs: number): Generator<Snapshot> {
  const random = new Random(1, 'drift');
  const values = tensors.map(({ shape }) =>
    Float32Array.from({ length: countValues(shape) }, () => 0.05 * random.normal()),
  );
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (const array of values) for (let i = 0; i < array.length; i++) array[i] += 1e-3 * (random.uniform() - 0.5);
    yield { epoch, values, metrics: { loss: 1 / (epoch + 1) } };
  }
}

/** Time that cores have worked for this process: what a rate on one core is about, whatever else the machine does. */
function coreMilliseconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

interface StoreMetrics {
  rawMegabytes: number;
  logMBps: number;
  parquetMBps: number;
  readMBps: number;
  /** Of the first run of the process, whose code is not compiled yet. */
  firstParquetMBps?: number;
  /** Size of the Parquet relative to the raw values. */
  size: number;
}

async function measureStore(epochs: number, round: number): Promise<StoreMetrics & { run: string }> {
  const tensors = resnet20();
  const snapshots: Snapshot[] = [];
  for (const { values, ...rest } of drift(tensors, epochs))
    snapshots.push({ ...rest, values: values.map((array) => array.slice()) });
  const raw = 4 * epochs * tensors.reduce((sum, { shape }) => sum + countValues(shape), 0);
  const writer = RunWriter.create(join(directory, `store-${round}`), { ...INFO, id: 'drift' }, tensors);
  let begin = coreMilliseconds();
  for (const snapshot of snapshots) await writer.append(snapshot);
  const log = coreMilliseconds() - begin;
  begin = coreMilliseconds();
  const manifest = await writer.finish('complete');
  const parquet = coreMilliseconds() - begin;
  begin = coreMilliseconds();
  for await (const { values } of readSnapshots(writer.directory))
    if (values.length !== tensors.length) throw new Error();
  const read = coreMilliseconds() - begin;
  const rate = (milliseconds: number) => megabytes(raw) / (milliseconds / 1000);
  return {
    run: writer.directory,
    rawMegabytes: megabytes(raw),
    logMBps: rate(log),
    parquetMBps: rate(parquet),
    readMBps: rate(read),
    size: manifest.files.reduce((sum, { bytes }) => sum + bytes, 0) / raw,
  };
}

/** Largest memory of a process that records this many epochs of a ResNet-20, in bytes. */
function measureMemory(epochs: number): number {
  const self = fileURLToPath(import.meta.url);
  const environment = { ...process.env, WNN_BENCH_RECORD: String(epochs), WNN_BENCH_DIRECTORY: directory };
  return Number(execFileSync(process.execPath, [...process.execArgv, self], { env: environment, encoding: 'utf8' }));
}

async function recordForMemory(epochs: number): Promise<void> {
  const tensors = resnet20();
  const store = join(process.env.WNN_BENCH_DIRECTORY as string, `memory-${epochs}`);
  const writer = RunWriter.create(store, { ...INFO, id: 'drift' }, tensors);
  for (const snapshot of drift(tensors, epochs)) await writer.append(snapshot);
  await writer.finish('complete');
  console.log(process.resourceUsage().maxRSS * 1024);
}

/** pyarrow, one thread, the same table, codec, encodings and row groups. */
function measurePyarrow(run: string): { parquetMBps: number; readMBps: number } | string {
  const script = `
import glob, json, sys, time
import pyarrow as pa, pyarrow.parquet as pq
pa.set_cpu_count(1)
path = glob.glob(sys.argv[1] + "/weights-*.parquet")[0]
table = pq.read_table(path)
rows = pq.ParquetFile(path).metadata.row_group(0).num_rows
raw = 4 * len(table["values"].combine_chunks().values) / 1e6
write, read = [], []
for _ in range(${rounds}):
    begin = time.process_time()
    pq.write_table(table, sys.argv[1] + "/py.tmp", compression="zstd", use_dictionary=["tensor", "kind"],
                   column_encoding={"values.list.element": "BYTE_STREAM_SPLIT"}, row_group_size=rows)
    write.append(time.process_time() - begin)
    begin = time.process_time()
    pq.read_table(sys.argv[1] + "/py.tmp", use_threads=False)
    read.append(time.process_time() - begin)
print(json.dumps({"parquetMBps": raw / min(write), "readMBps": raw / min(read)}))
`;
  try {
    const python = process.env.PYTHON ?? 'python3';
    return JSON.parse(
      execFileSync(python, ['-c', script, run], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }),
    );
  } catch (error) {
    const lines = String((error as { stderr?: string }).stderr ?? error)
      .trim()
      .split('\n');
    return lines[lines.length - 1];
  }
}

/** Records the same plan with this many workers; nothing is there before. */
async function measureCollect(
  tasks: string[],
  workers: number,
  label: string,
  images = Number(options.images),
): Promise<CollectResult> {
  return collect({
    store: join(directory, `collect-${label}-${workers}`),
    tasks,
    runs: tasks.length,
    epochs: Number(options.epochs),
    trainExamples: images,
    validationExamples: 500,
    batchSizes: [128],
    workers,
  });
}

async function main(): Promise<void> {
  const stores: (StoreMetrics & { run: string })[] = [];
  for (let round = 0; round < rounds; round++) stores.push(await measureStore(28, round));
  const best = (name: 'logMBps' | 'parquetMBps' | 'readMBps') => Math.max(...stores.map((store) => store[name]));
  const store: StoreMetrics = {
    rawMegabytes: stores[0].rawMegabytes,
    size: stores[0].size,
    firstParquetMBps: stores[0].parquetMBps,
    logMBps: best('logMBps'),
    parquetMBps: best('parquetMBps'),
    readMBps: best('readMBps'),
  };
  const pyarrow = measurePyarrow(stores[0].run);
  const memory = { epochs10: measureMemory(10), epochs300: measureMemory(300) };

  const tasks = ['mnist/lenet', 'mnist/mlp', 'mnist/simplenet'];
  const shares: Record<string, number> = {};
  for (const task of tasks)
    shares[task] = (await measureCollect([task], 1, task.replace('/', '-'))).recordingShare ?? 0;
  // The same network with epochs as long as they are outside of benches: all of MNIST's images.
  const wholeMlp = (await measureCollect(['mnist/mlp'], 1, 'whole-mlp', 60_000)).recordingShare ?? 0;
  const four = ['mnist/lenet', 'mnist/lenet', 'mnist/lenet', 'mnist/lenet'];
  const one = (await measureCollect(four, 1, 'scale')).imagesPerSecond;
  const two = (await measureCollect(four, 2, 'scale')).imagesPerSecond;

  const recordingShare = { ...shares, 'mnist/mlp, 60,000 images an epoch': wholeMlp };
  const result = { store, pyarrow, memory, recordingShare, workers: { one, two, ratio: two / one } };
  if (options.json) {
    console.log(JSON.stringify(result, null, 2));
    return;
  }
  const whole = (value: number) => value.toFixed(0);
  const rows = [
    ['this toolkit, one thread', whole(store.logMBps), whole(store.parquetMBps), whole(store.readMBps)],
    typeof pyarrow === 'string'
      ? [`pyarrow: ${pyarrow}`]
      : ['pyarrow, one thread', '-', whole(pyarrow.parquetMBps), whole(pyarrow.readMBps)],
  ];
  console.log(
    `ResNet-20, 28 epochs, ${whole(store.rawMegabytes)} MB of values; Parquet is ${(100 * store.size).toFixed(0)}% of it\n`,
  );
  console.log(formatTable(['MB a second of one core', 'log', 'log to Parquet', 'read Parquet'], rows));
  console.log(`\nthe first run of a process: ${whole(store.firstParquetMBps ?? 0)} MB/s from log to Parquet`);
  console.log(
    `largest memory: ${whole(megabytes(memory.epochs10))} MB for 10 epochs, ${whole(megabytes(memory.epochs300))} MB for 300`,
  );
  for (const [task, share] of Object.entries(recordingShare))
    console.log(`${task}: recording takes ${(100 * share).toFixed(2)}% of the time`);
  console.log(
    `4 runs of mnist/lenet: ${whole(one)} images/s with 1 worker, ${whole(two)} with 2: x${(two / one).toFixed(2)}`,
  );
}

try {
  if (process.env.WNN_BENCH_RECORD) await recordForMemory(Number(process.env.WNN_BENCH_RECORD));
  else await main();
} finally {
  rmSync(directory, { recursive: true, force: true });
}
