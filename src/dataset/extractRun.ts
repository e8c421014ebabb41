// The work on one run, from its snapshots to packets of samples: one pass, in memory no more than a row group of the run,
// the drawn scalars of a window's span, and the packets being filled. Runs in a worker thread or in the calling thread.

import { TRAINED_KINDS, type TrainedKind } from '../nowcaster/spec.js';
import { Random } from '../random.js';
import type { SampleSpec } from '../samples/index.js';
import { readSnapshots } from '../trajectory/runReader.js';
import { countStarts, windowSpan } from './runs.js';
import { type PacketSink, ShardScatter } from './scatter.js';
import { type CutFigures, type Draw, WindowCutter } from './windows.js';

/** What is to be done with one run. Plain data, so that it can be sent to a worker. */
export interface RunTask {
  /** Position among the runs of the dataset. */
  index: number;
  id: string;
  directory: string;
  diverged: boolean;
  /** In the order of the run's manifest; `count` scalars are drawn from each. */
  tensors: { name: string; kind: TrainedKind; size: number; count: number }[];
  /** Shards of each kind in the run's split. */
  shards: Record<TrainedKind, number>;
  spec: SampleSpec;
  windowStride: number;
  firstEpoch: number;
  /** Snapshots that are expected, for the share that is done. */
  snapshots: number;
  seed: number;
  packetRows: number;
}

/** What became of one run. Plain data. */
export interface RunFigures {
  index: number;
  /** Snapshots that samples could come from; for a diverged run the finite ones. */
  epochs: number;
  kinds: Record<TrainedKind, KindFigures>;
}

/** What became of the tensors of one kind of one run. */
export interface KindFigures extends CutFigures {
  tensors: number;
  seen: number;
  drawn: number;
}

/** Watches over a run that is being read. */
export interface ExtractListeners {
  /** Receives samples. */
  sink: PacketSink;
  /** Called after each snapshot with the share of the run that is done, 0 to 1; may throw to stop. */
  onAdvance(fraction: number): void;
}

function drawScalars(task: RunTask, kind: TrainedKind): Draw[] {
  return task.tensors.flatMap(({ name, kind: own, size, count }, tensor) => {
    if (own !== kind) return [];
    const indices = count < size ? new Random(task.seed, 'sample', task.id, name).sample(size, count) : null;
    return [{ tensor, indices, count }];
  });
}

function allFinite(values: readonly Float32Array[]): boolean {
  return values.every((tensor) => {
    let sum = 0;
    for (let i = 0; i < tensor.length; i++) sum += tensor[i] - tensor[i];
    return sum === 0;
  });
}

/**
 * Makes the samples of one run.
 *
 * @throws the errors of reading the run.
 */
export async function extractRun(task: RunTask, { sink, onAdvance }: ExtractListeners): Promise<RunFigures> {
  const { spec, windowStride, seed, id } = task;
  const parts = TRAINED_KINDS.map((kind) => {
    const random = new Random(seed, 'shard', id, kind);
    const scatter = new ShardScatter(
      kind,
      { inputLength: spec.inputLength, horizons: spec.horizons.length },
      task.shards[kind],
      task.packetRows,
      random,
      sink,
    );
    const cutter = new WindowCutter(spec, windowStride, drawScalars(task, kind), scatter.take.bind(scatter));
    return { kind, scatter, cutter };
  });
  const active = parts.filter(({ cutter }) => cutter.scalars > 0);
  const tensors = task.tensors.map(({ name }) => name);
  let snapshots = 0;
  let finite = 0;
  for await (const snapshot of readSnapshots(task.directory, { firstEpoch: task.firstEpoch, tensors })) {
    if (finite === snapshots && (!task.diverged || allFinite(snapshot.values))) {
      for (const { cutter } of active) cutter.push(snapshot.epoch, snapshot.values);
      finite++;
    }
    snapshots++;
    onAdvance(Math.min(1, snapshots / task.snapshots));
  }
  for (const { scatter } of active) scatter.flush();
  const span = windowSpan(spec);
  const starts = countStarts(snapshots, span, windowStride);
  const summarise = (kind: TrainedKind, { figures, scalars }: WindowCutter): KindFigures => {
    const own = task.tensors.filter((tensor) => tensor.kind === kind);
    const past = scalars * (starts - countStarts(finite, span, windowStride));
    return {
      ...figures,
      dropped: { ...figures.dropped, pastDivergence: past },
      tensors: own.length,
      seen: own.reduce((sum, { size }) => sum + size, 0) * starts,
      drawn: scalars * starts,
    };
  };
  const kinds = Object.fromEntries(parts.map(({ kind, cutter }) => [kind, summarise(kind, cutter)]));
  return {
    index: task.index,
    epochs: finite,
    kinds: kinds as RunFigures['kinds'],
  };
}
