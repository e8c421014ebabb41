// Turns the snapshots of one run into packets of samples in one pass. Memory holds a row group of the run, the drawn
// scalars of one window span, and the packets being filled. Runs in a worker thread or in the calling thread.

import type { NowcastSchedule } from '../nowcaster/schedule.js';
import { perKind, spanOf, TRAINED_KINDS, type TrainedKind } from '../nowcaster/spec.js';
import { Random } from '../random.js';
import type { SampleSpec } from '../samples/schema.js';
import { readManifestFile } from '../trajectory/manifest.js';
import type { Positions } from '../trajectory/sampling.js';
import { readScalars } from '../trajectory/scalarReader.js';
import { isWindowOnly } from '../windows/inputs/index.js';
import type { Packet, PacketShape, SlotPool } from './packets.js';
import type { SourceTensor, UsableRun } from './runs.js';
import { scatterSamples } from './scatter.js';
import { countStarts, type Draw, WindowCutter, type WindowStatistics } from './windows.js';

/** The extraction of one run. Plain data, so that it can be sent to a worker. */
export interface RunTask {
  /** Position among the runs of the dataset. */
  index: number;
  id: string;
  directory: string;
  diverged: boolean;
  /** In the order of the run's manifest; `count` of the recorded scalars are drawn from each. */
  tensors: (SourceTensor & { count: number })[];
  /** Shards of each kind in the run's split. */
  shards: Record<TrainedKind, number>;
  spec: SampleSpec;
  windowStride: number;
  firstSnapshot: number;
  /** Every which snapshot is used; {@link UsableRun.keepEvery}. */
  keepEvery: number;
  minRange: number;
  /** When the run was nowcast; absent when it was not. */
  nowcasts?: NowcastSchedule;
  /** Expected number of snapshots, for progress. */
  snapshots: number;
  seed: number;
  packet: PacketShape;
}

/** Statistics of one extracted run. Plain data. */
export interface RunStatistics {
  index: number;
  /** Usable snapshots; for a diverged run, the finite ones. */
  snapshots: number;
  kinds: Record<TrainedKind, KindStatistics>;
}

/** Statistics of the tensors of one kind in one run. */
export interface KindStatistics extends WindowStatistics {
  tensors: number;
  seen: number;
  drawn: number;
}

/** Resources and callbacks of {@link extractRun}. */
export interface ExtractListeners {
  pool: SlotPool;
  /** Receives packets of samples. The receiver must release the slot of each packet to the pool. */
  sink(packet: Packet): void;
  /** Called after each snapshot with the fraction done, 0 to 1; may throw to stop. */
  onAdvance(fraction: number): void;
}

/** What to read of a run, and the positions of the drawn scalars in it, by kind. */
interface Reading {
  choices: { tensor: string; indices: Uint32Array | null }[];
  draws: Record<TrainedKind, Draw[]>;
}

/**
 * Where the recorded scalars of sampled tensors stand in them. Only inputs other than the window look at that.
 *
 * @throws CorruptFileError
 */
async function readRecorded({ directory, tensors, spec }: RunTask): Promise<Positions> {
  if (isWindowOnly(spec.inputs) || !tensors.some(({ sampled }) => sampled)) return new Map();
  // Loads apache-arrow, which no other reading of a finished run needs.
  const { readPositions } = await import('../trajectory/positions.js');
  return readPositions(directory, readManifestFile(directory));
}

/** Positions within the whole tensor of scalars drawn from the recorded ones; null: all of a whole tensor. */
function placesOf(drawn: Uint32Array | null, recorded: Uint32Array | undefined): Uint32Array | null {
  if (recorded === undefined || drawn === null) return recorded ?? drawn;
  return drawn.map((i) => recorded[i]);
}

/** Draws the scalars of each tensor. For a diverged run all values are read, to find the first epoch that is not finite. */
function planReading({ seed, id, tensors, diverged }: RunTask, recorded: Positions): Reading {
  const reading: Reading = { choices: [], draws: perKind(() => []) };
  let start = 0;
  for (const { name, kind, shape, size, count } of tensors) {
    const indices = count < size ? new Random(seed, 'sample', id, name).sample(size, count) : null;
    reading.choices.push({ tensor: name, indices: diverged ? null : indices });
    const tensor = { name, kind, shape };
    const positions = placesOf(indices, recorded.get(name));
    reading.draws[kind].push({ tensor, positions, start, indices: diverged ? indices : null, count });
    start += diverged ? size : count;
  }
  return reading;
}

function allFinite(values: Float32Array): boolean {
  // x - x is 0 for finite x and NaN otherwise, and NaN survives the sum.
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] - values[i];
  return sum === 0;
}

/**
 * Extracts the samples of one run.
 *
 * @throws the errors of reading the run.
 */
export async function extractRun(task: RunTask, { pool, sink, onAdvance }: ExtractListeners): Promise<RunStatistics> {
  const { spec, windowStride, keepEvery, seed, id } = task;
  const { choices, draws } = planReading(task, await readRecorded(task));
  const parts = TRAINED_KINDS.map((kind) => {
    const random = new Random(seed, 'shard', id, kind);
    const scatter = scatterSamples(kind, task.packet, task.shards[kind], random, pool, sink);
    const cutter = new WindowCutter(spec, task, draws[kind], scatter.take);
    return { kind, scatter, cutter };
  });
  const active = parts.filter(({ cutter }) => cutter.scalars > 0);
  let snapshots = 0;
  let finite = 0;
  for await (const snapshot of readScalars(task.directory, choices, {
    firstSnapshot: task.firstSnapshot * keepEvery,
  })) {
    if ((snapshot.epoch + 1) % keepEvery !== 0) continue;
    if (finite === snapshots && (!task.diverged || allFinite(snapshot.values))) {
      for (const { cutter } of active) cutter.push(snapshot.epoch, snapshot.values);
      finite++;
    }
    snapshots++;
    onAdvance(Math.min(1, snapshots / task.snapshots));
  }
  for (const { scatter } of active) scatter.flush();
  const span = spanOf(spec);
  const starts = countStarts(snapshots, span, windowStride);
  const summarize = (kind: TrainedKind, { statistics, scalars }: WindowCutter): KindStatistics => {
    const own = task.tensors.filter((tensor) => tensor.kind === kind);
    const past = scalars * (starts - countStarts(finite, span, windowStride));
    return {
      ...statistics,
      dropped: { ...statistics.dropped, pastDivergence: past },
      tensors: own.length,
      seen: own.reduce((sum, { size }) => sum + size, 0) * starts,
      drawn: scalars * starts,
    };
  };
  const kinds = Object.fromEntries(parts.map(({ kind, cutter }) => [kind, summarize(kind, cutter)]));
  return {
    index: task.index,
    snapshots: finite,
    kinds: kinds as RunStatistics['kinds'],
  };
}
