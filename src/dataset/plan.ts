// What each run is to give, before any of it is read: scalars a tensor, shards, threads and sizes of buffers.

import { UsageError } from '../errors.js';
import { TRAINED_KINDS, type TrainedKind } from '../nowcaster/spec.js';
import { SPLITS, type Split } from '../samples/index.js';
import { batchRows, type ShardCounts } from './assembler.js';
import type { RunTask } from './extractRun.js';
import type { DatasetSettings } from './options.js';
import { HAS_WORKERS } from './pool.js';
import type { UsableRun } from './runs.js';
import { shareScalars } from './shares.js';
import { countStarts, windowSpan } from './span.js';
import { splitRuns } from './split.js';

/** Node itself with this toolkit's modules and the main thread's heap. */
const BASE_BYTES = 130 * 2 ** 20;
/** A worker thread's heap with the modules it loads. */
const WORKER_BYTES = 40 * 2 ** 20;
/** Row groups hold this many bytes of values, or one snapshot where that is more. */
const ROW_GROUP_BYTES = 8 * 2 ** 20;
/** How often a row group is in memory, in part or whole, while scalars are picked from it ... */
const PICKING_COPIES = 2;
/** ... and, of a diverged run, whose values are all read. */
const WHOLE_COPIES = 4;
/** The least that packets under way must be able to take for a worker to be of use. */
const LEAST_WINDOW_BYTES = 12 * 2 ** 20;
/** Rows of packets that a worker fills at once, over all shards. */
const FILLING_ROWS = 2 ** 18;

/** Everything that is settled before reading. */
export interface DatasetPlan {
  tasks: RunTask[];
  /** Split of each task. */
  splits: Split[];
  shards: ShardCounts;
  /** Rows of a record batch. */
  batchRows: number;
  threads: number;
  /** Packets of each worker that may wait. */
  window: number;
}

/**
 * Plans a dataset.
 *
 * @throws UsageError and InsufficientDataError of the split.
 * @throws {@link UsageError} when the work does not fit the memory even with one thread.
 */
export function planDataset(runs: readonly UsableRun[], settings: DatasetSettings): DatasetPlan {
  const splits = splitRuns(runs, settings);
  const counts = new Map<UsableRun, Uint32Array>();
  for (const split of SPLITS) {
    const members = runs.filter((_, i) => splits[i] === split);
    for (const [i, scalars] of shareScalars(members, settings).entries()) counts.set(members[i], scalars);
  }
  const shards = countShards(runs, splits, counts, settings);
  const largest = Math.max(...SPLITS.map((split) => sumKinds(shards[split])));
  const packetRows = Math.max(64, Math.min(8192, Math.floor(FILLING_ROWS / Math.max(1, largest))));
  const { inputLength, horizons, normalisation, windowStride, firstEpoch, seed } = settings;
  const tasks = runs.map(({ id, directory, diverged, epochs, tensors }, index): RunTask => {
    const scalars = counts.get(runs[index]) as Uint32Array;
    return {
      index,
      id,
      directory,
      diverged,
      tensors: tensors.map((tensor, i) => ({ ...tensor, count: scalars[i] })),
      shards: shards[splits[index]],
      spec: { inputLength, horizons, normalisation },
      windowStride,
      firstEpoch,
      snapshots: epochs,
      seed,
      packetRows,
    };
  });
  const rows = batchRows(shards);
  return { tasks, splits, shards, batchRows: rows, ...fitMemory(tasks, shards, rows, settings) };
}

function sumKinds(counts: Record<TrainedKind, number>): number {
  return TRAINED_KINDS.reduce((sum, kind) => sum + counts[kind], 0);
}

/** As many shards as the windows that are to be drawn would fill. */
function countShards(
  runs: readonly UsableRun[],
  splits: readonly Split[],
  counts: ReadonlyMap<UsableRun, Uint32Array>,
  settings: DatasetSettings,
): ShardCounts {
  const span = windowSpan(settings);
  const windows: ShardCounts = { train: { conv: 0, fc: 0, bias: 0 }, val: { conv: 0, fc: 0, bias: 0 } };
  for (const [i, run] of runs.entries())
    for (const [t, { kind }] of run.tensors.entries())
      windows[splits[i]][kind] += (counts.get(run)?.[t] ?? 0) * countStarts(run.epochs, span, settings.windowStride);
  const shards = structuredClone(windows);
  for (const split of SPLITS)
    for (const kind of TRAINED_KINDS) shards[split][kind] = Math.ceil(windows[split][kind] / settings.shardRows);
  return shards;
}

/** Bytes that a sample takes in a packet; the `run` column comes on top in a shard. */
function packetRowBytes({ inputLength, horizons }: Pick<DatasetSettings, 'inputLength' | 'horizons'>): number {
  return 4 * (inputLength + horizons.length + 1);
}

function fitMemory(
  tasks: readonly RunTask[],
  shards: ShardCounts,
  rows: number,
  settings: DatasetSettings,
): { threads: number; window: number } {
  const rowBytes = packetRowBytes(settings);
  const all = SPLITS.reduce((sum, split) => sum + sumKinds(shards[split]), 0);
  const base = BASE_BYTES + (all + 1) * rows * (rowBytes + 4);
  const span = windowSpan(settings);
  const perRun = tasks.map(({ tensors, shards, packetRows, diverged }) => {
    const values = tensors.reduce((sum, { size }) => sum + size, 0);
    const scalars = tensors.reduce((sum, { count }) => sum + count, 0);
    const copies = diverged ? WHOLE_COPIES : PICKING_COPIES;
    const decoding = copies * Math.max(ROW_GROUP_BYTES, 4 * values);
    return WORKER_BYTES + decoding + 4 * scalars * (span + 1) + sumKinds(shards) * packetRows * rowBytes;
  });
  const perWorker = Math.max(...perRun);
  const packetBytes = tasks[0].packetRows * rowBytes;
  const wanted = HAS_WORKERS ? Math.min(settings.threads, tasks.length) : 0;
  for (let threads = wanted; threads > 0; threads--) {
    const left = (settings.memory - base) / threads - perWorker;
    if (left >= LEAST_WINDOW_BYTES || (threads === 1 && left >= 2 * packetBytes))
      return { threads, window: Math.max(2, Math.floor(left / packetBytes)) };
  }
  if (base + perWorker > settings.memory)
    throw new UsageError({
      what: `needs about ${Math.ceil((base + perWorker) / 2 ** 20)} MiB, may use ${Math.floor(settings.memory / 2 ** 20)}`,
      where: '--memory-mib',
      remedy: 'allow more, or draw fewer scalars a tensor',
    });
  return { threads: 0, window: 0 };
}
