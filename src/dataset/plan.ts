// Plans the extraction before any run is read: scalars per tensor, shards, threads and buffer sizes.

import { UsageError } from '../errors.js';
import { perKind, sampleInputs, spanOf, TRAINED_KINDS, type TrainedKind } from '../nowcaster/spec.js';
import { SPLITS, type Split } from '../samples/index.js';
import { inputColumns } from '../windows/inputs/index.js';
import type { ShardCounts } from './assembler.js';
import type { RunTask } from './extractRun.js';
import type { DatasetSettings } from './options.js';
import { type PacketShape, slotBytes } from './packets.js';
import type { UsableRun } from './runs.js';
import { shareScalars } from './shares.js';
import { splitRuns } from './split.js';
import { countStarts } from './windows.js';

/** Memory of Node with the toolkit's modules and the main thread's heap. */
const BASE_BYTES = 130 * 2 ** 20;
/** Memory of a worker thread's heap with its modules. */
const WORKER_BYTES = 40 * 2 ** 20;
/** Row groups hold this many bytes of values, or one snapshot where that is more. */
const ROW_GROUP_BYTES = 8 * 2 ** 20;
/** Copies of a row group in memory, partial or whole, while drawn scalars are read from it ... */
const PICKING_COPIES = 2;
/** ... and while all values are read, for a diverged run. */
const WHOLE_COPIES = 4;
/** Minimum memory for queued packets; a worker with less would mostly wait. */
const LEAST_WINDOW_BYTES = 12 * 2 ** 20;
/** Maximum memory for one worker's packets. */
const MOST_SLOT_BYTES = 2 ** 30;
/** Rows of the packets that a worker fills at a time, over all shards. */
const FILLING_ROWS = 2 ** 19;
const LEAST_PACKET_ROWS = 256;
const MOST_PACKET_ROWS = 8192;

/** The plan of a build. */
export interface DatasetPlan {
  tasks: RunTask[];
  /** Split of each task. */
  splits: Split[];
  shards: ShardCounts;
  packet: PacketShape;
  threads: number;
  /** Packets per worker, filling or queued. */
  slots: number;
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
  const { family, inputLength, horizons, normalization, windowStride, firstSnapshot, minRange, seed } = settings;
  const rows = Math.floor(FILLING_ROWS / Math.max(1, largest));
  const packet: PacketShape = {
    inputLength,
    inputs: inputColumns(sampleInputs(family).slice(1), settings),
    horizons: horizons.length,
    rows: Math.max(LEAST_PACKET_ROWS, Math.min(MOST_PACKET_ROWS, rows)),
  };
  const tasks = runs.map(({ id, directory, diverged, snapshots, keepEvery, nowcasts, tensors }, index): RunTask => {
    const scalars = counts.get(runs[index]) as Uint32Array;
    return {
      index,
      id,
      directory,
      diverged,
      tensors: tensors.map((tensor, i) => ({ ...tensor, count: scalars[i] })),
      shards: shards[splits[index]],
      spec: { family, inputs: sampleInputs(family), inputLength, horizons, normalization },
      windowStride,
      firstSnapshot,
      keepEvery,
      minRange,
      nowcasts,
      snapshots,
      seed,
      packet,
    };
  });
  return { tasks, splits, shards, packet, ...fitMemory(tasks, shards, packet, settings) };
}

function sumKinds(counts: Record<TrainedKind, number>): number {
  return TRAINED_KINDS.reduce((sum, kind) => sum + counts[kind], 0);
}

/** The number of shards that the drawn windows would fill. */
function countShards(
  runs: readonly UsableRun[],
  splits: readonly Split[],
  counts: ReadonlyMap<UsableRun, Uint32Array>,
  settings: DatasetSettings,
): ShardCounts {
  const span = spanOf(settings);
  const windows: ShardCounts = { train: perKind(() => 0), val: perKind(() => 0) };
  for (const [i, run] of runs.entries())
    for (const [t, { kind }] of run.tensors.entries())
      windows[splits[i]][kind] += (counts.get(run)?.[t] ?? 0) * countStarts(run.snapshots, span, settings.windowStride);
  const shards = structuredClone(windows);
  for (const split of SPLITS)
    for (const kind of TRAINED_KINDS) shards[split][kind] = Math.ceil(windows[split][kind] / settings.shardRows);
  return shards;
}

function fitMemory(
  tasks: readonly RunTask[],
  shards: ShardCounts,
  packet: PacketShape,
  settings: DatasetSettings,
): { threads: number; slots: number } {
  const size = slotBytes(packet);
  const all = SPLITS.reduce((sum, split) => sum + sumKinds(shards[split]), 0);
  // Each shard buffers the ends of runs in one packet, plus the `run` column.
  const base = BASE_BYTES + (all + 1) * (size + 4 * packet.rows);
  const span = spanOf(settings);
  const perWorker = Math.max(
    ...tasks.map(({ tensors, diverged }) => {
      const values = tensors.reduce((sum, { size }) => sum + size, 0);
      const scalars = tensors.reduce((sum, { count }) => sum + count, 0);
      const copies = diverged ? WHOLE_COPIES : PICKING_COPIES;
      return WORKER_BYTES + copies * Math.max(ROW_GROUP_BYTES, 4 * values) + 4 * scalars * (span + 1);
    }),
  );
  const filling = Math.max(...tasks.map((task) => sumKinds(task.shards)));
  const most = Math.floor(MOST_SLOT_BYTES / size);
  for (let threads = Math.min(settings.threads, tasks.length); threads > 0; threads--) {
    const slots = Math.min(most, Math.floor(((settings.memory - base) / threads - perWorker) / size));
    const least = filling + (threads > 1 ? Math.ceil(LEAST_WINDOW_BYTES / size) : 2);
    if (slots >= least) return { threads, slots };
  }
  const needed = base + perWorker + (filling + 1) * size;
  if (needed > settings.memory)
    throw new UsageError({
      what: `the build needs about ${Math.ceil(needed / 2 ** 20)} MiB, may use ${Math.floor(settings.memory / 2 ** 20)}`,
      where: '--memory-mib',
      remedy: 'allow more, or draw fewer scalars per tensor',
    });
  return { threads: 0, slots: filling + 1 };
}
