// What a directory of samples holds, in types: dataset.json and the columns of a shard. Written by the dataset stage,
// read by the train stage; the files themselves are handled in manifest.ts, shardWriter.ts and shardReader.ts.

import type { WindowSpec } from '../network/spec.js';
import type { TrainedKind } from '../nowcaster/spec.js';
import type { SnapshotCadence } from '../trajectory/cadence.js';

/** Version of the layout of a directory of samples; written to dataset.json and checked by every reader. */
export const SAMPLES_SCHEMA_VERSION = 1;

/** The parts that samples are split into, by run: what a nowcaster learns from, and what it is judged by. */
export const SPLITS = ['train', 'val'] as const;
export type Split = (typeof SPLITS)[number];

/** What fixes the meaning of a sample. The remaining fields of a spec (residual, config) are the trainer's. */
export interface SampleSpec extends WindowSpec {
  /** The family that the samples were made for. Others whose inputs are among `inputs` can be trained on them too. */
  family: string;
  /** Columns of inputs: `window` first, then the further inputs of the family. */
  inputs: readonly string[];
}

/** One shard file. */
export interface ShardInfo {
  /** Path within the dataset's directory, with `/`: `conv/train-00000.arrow`. */
  file: string;
  /** Samples in it. */
  rows: number;
  /** Length of the file. */
  bytes: number;
  /** CRC-32 of the file: damage is found before anything tries to make sense of it. */
  crc32: number;
}

/** The distribution of the targets of one horizon, in normalized units, over train and val together. */
export interface TargetQuantiles {
  horizon: number;
  /** The values below which these shares of the targets lie; exact at 0 and 1, to 0.4% of the value between. */
  quantiles: { probability: number; value: number }[];
  mean: number;
  meanAbsolute: number;
}

/** Why drawn windows became no samples. */
export interface DroppedWindows {
  /** All values of the window are equal (with normalization `range` only). */
  zeroRange: number;
  /** The range of the window is below the least that was asked for (option `minRange`). */
  smallRange: number;
  /** A value of the window or a future value is NaN or infinite, or the target does not fit float32. */
  nonFinite: number;
  /** The window or its future reaches past the last finite snapshot of a diverged run. */
  pastDivergence: number;
  /** The snapshots of the window and its future are not evenly spaced: some are missing. */
  snapshotGap: number;
  /**
   * A nowcast replaced the weights between the first snapshot of the window and the last of its future. Absent in samples
   * that were made before these were counted: none.
   */
  nowcast?: number;
}

/** What became of the windows of one kind. `drawn = samples + all of dropped`. */
export interface KindSummary {
  /** Tensors of this kind in the runs that were used. */
  tensors: number;
  /** Windows that the runs hold: all scalars, all starts that stride and first epoch allow. */
  seen: number;
  /** Windows of the scalars that were drawn. */
  drawn: number;
  dropped: DroppedWindows;
  /** Samples written. */
  samples: number;
  /** Samples and shards of each split. */
  splits: Record<Split, { samples: number; shards: ShardInfo[] }>;
  /** One entry a horizon; empty when there are no samples. */
  targets: TargetQuantiles[];
}

/** One run that samples were made from. */
export interface SourceRun {
  id: string;
  /** SHA-256 of the run's manifest, which holds the checksums of its files; of its log when it has not ended. Hex. */
  sha256: string;
  task: string | null;
  architecture: string | null;
  /** When its snapshots were taken, where only some of them were used; absent where the samples have its cadence. */
  resampledFrom?: SnapshotCadence;
  /** Scalars that were recorded of each larger tensor, of which samples were drawn; absent where all were. */
  scalarsPerTensor?: number;
  split: Split;
  /** Snapshots that were read; for a diverged run only the finite ones. */
  snapshots: number;
  /** Samples that it gave, all kinds together. */
  samples: number;
}

/** How samples were chosen, as options of the dataset stage. */
export interface SamplingInfo {
  /** At most this many scalars of a tensor, before balancing. */
  scalarsPerTensor: number;
  /** Snapshots between the starts of successive windows. */
  windowStride: number;
  /** Snapshots before this one are left out. */
  firstSnapshot: number;
  /** Least range of a window, as a share of the root mean square of its tensor's ranges over the same snapshots. */
  minRange: number;
  /** Groups that were given even shares. */
  balance: string[];
  /** Whether interrupted runs were taken too. */
  includeInterrupted: boolean;
}

/** How runs were divided into train and val. */
export type SplitRule =
  | { by: 'share'; validationShare: number }
  | { by: 'holdOut'; architectures: string[]; tasks: string[] };

/** `dataset.json`. Holds no clock times and no absolute paths, so that the same inputs give the same bytes. */
export interface DatasetManifest extends SampleSpec {
  schemaVersion: typeof SAMPLES_SCHEMA_VERSION;
  toolkitVersion: string;
  /** When the snapshots that were used were taken: what windows and horizons count. */
  cadence: SnapshotCadence;
  seed: number;
  sampling: SamplingInfo;
  split: SplitRule;
  /** Samples aimed at in a shard. */
  shardRows: number;
  /** The runs in use, ordered by id. The `run` column names them. */
  runs: SourceRun[];
  /** The kinds that were asked for. */
  kinds: Partial<Record<TrainedKind, KindSummary>>;
}

/** Samples in memory, whole columns. */
export interface Samples {
  count: number;
  /** L, the length of a window. */
  inputLength: number;
  /** Number of horizons, H. */
  horizons: number;
  /** [count, L] row-major, normalized. */
  windows: Float32Array;
  /** [count, width] row-major each: the further inputs, by name. */
  inputs: Readonly<Record<string, Float32Array>>;
  /** [count, H] row-major: (future - last) / scale. Without residual learning the target is this plus x[L-1]. */
  targets: Float32Array;
  /** [count]: 2 * range of each window, 1 without normalization. */
  scales: Float32Array;
  /** [count]: index into `runIds` of the run that each sample came from. */
  runs: Int32Array;
  runIds: string[];
}
