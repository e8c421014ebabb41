// What a run's directory holds, in types. The file formats themselves are in manifest.ts, snapshotLog.ts,
// weightsColumns.ts and metricsParquet.ts.

import type { NowcastSchedule } from '../nowcaster/schedule.js';
import type { SnapshotCadence } from './cadence.js';

/** Version of the store's layout; written to every run.json and checked by every reader. */
export const TRAJECTORY_SCHEMA_VERSION = 1;

/**
 * All kinds of tensors that are recorded. `norm`: scale and offset of a normalization. `embedding`: tables of vectors, of
 * tokens or positions. `statistics`: what a normalization measures (moving mean and variance). `other`: none of these
 * (class tokens, buffers, scalars). Nowcasters are trained on `norm` and `embedding` where asked, on the last two never.
 */
export const TENSOR_KINDS = ['conv', 'fc', 'bias', 'norm', 'embedding', 'statistics', 'other'] as const;
export type TensorKind = (typeof TENSOR_KINDS)[number];

/**
 * What decided a kind: the class of the layer, the name, the rank, the other tensors of the layer (`layer`), an embedding of
 * the same values (`tied`), the file's format, or the user (`given`).
 */
export const KIND_REASONS = ['class', 'name', 'rank', 'layer', 'tied', 'format', 'given'] as const;
export type KindReason = (typeof KIND_REASONS)[number];

/** One recorded tensor of a run. */
export interface TensorSpec {
  /** Unique within the run, e.g. `conv2d_1/kernel`. */
  name: string;
  kind: TensorKind;
  /** Of the recorded values: that of the tensor, or `[n]` where only n of its scalars are recorded. */
  shape: number[];
  /** Shape of the tensor in the network, where only some of its scalars are recorded; `positions.arrow` says which. */
  sampledFrom?: number[];
  /** What decided the kind; absent where the name and rank of a recorded network did. */
  kindBy?: KindReason;
  /** How an importer rearranged the values into [kh, kw, in, out] or [in, out]; absent when they were left as found. */
  converted?: string;
}

/** Statistics of a whole tensor, however many of its scalars are recorded. float32. */
export interface TensorStatistics {
  /** Mean of the values. */
  mean: number;
  /** Root mean square of the values. */
  rms: number;
  /** Mean of the changes from the snapshot before; NaN in the first. */
  changeMean: number;
  /** Root mean square of the changes from the snapshot before; NaN in the first. */
  changeRms: number;
}

/** All recorded tensors at one moment. */
export interface Snapshot {
  /**
   * Number of the snapshot, from 0. With the cadence of every epoch that is the epoch as Keras counts: the first epoch's
   * end is 0. The files keep the name for all cadences.
   */
  epoch: number;
  /** Values of each tensor, row-major, in the order of the manifest's `tensors`. */
  values: Float32Array[];
  /** Of each tensor, in the order of `values`; in runs with `scalarsPerTensor`. */
  statistics?: readonly TensorStatistics[];
  /** Metrics of the epoch or step, e.g. loss, acc, val_loss, val_acc. Not finite: stored as null. */
  metrics: Record<string, number>;
}

/** What became of a run. Only `complete` and `diverged` runs are finished; the others are done again by the same plan. */
export const RUN_STATUSES = ['recording', 'complete', 'interrupted', 'diverged', 'failed'] as const;
export type RunStatus = (typeof RUN_STATUSES)[number];

/** The optimizer of a run and its settings, as its framework names them. */
export interface OptimizerInfo {
  name: string;
  [setting: string]: number | string | boolean;
}

/** What is known of a run before it starts. Holds no clock times, so that the same run gives the same bytes. */
export interface RunInfo {
  /** Unique within the store, stable: made from the run's inputs. Letters, digits, `.`, `_`, `-`. */
  id: string;
  source: 'zoo' | 'callback' | 'import';
  /** Dataset and architecture, e.g. `mnist` and `lenet`; null where not known. */
  task: string | null;
  architecture: string | null;
  optimizer: OptimizerInfo | null;
  /** Further settings: batchSize, epochs, trainExamples, ... */
  hyperparameters: Record<string, number | string | boolean>;
  seed: number | null;
  engine: string | null;
  /** Epochs that the run is meant to have; null when open-ended. */
  epochsPlanned: number | null;
  /** When snapshots are taken. Default: at the end of each epoch. */
  cadence?: SnapshotCadence;
  /** Steps (batches) of an epoch; absent where not known. */
  stepsPerEpoch?: number;
  /**
   * Scalars that are recorded of each tensor that has more, beside {@link TensorStatistics}; absent where all are. The
   * choice stays the same for the whole run.
   */
  scalarsPerTensor?: number;
  /** When a nowcaster replaced the weights, after the snapshot of that epoch; absent where none did. */
  nowcasts?: NowcastSchedule;
}

/** A file as it was written. Readers compare it before they decode it: decoders do not survive all damage. */
export interface FileChecksum {
  /** Its length. */
  bytes: number;
  /** CRC-32 of the whole file (that of zlib), unsigned. */
  crc32: number;
}

/** One file of a run's values. */
export interface WeightsFile extends FileChecksum {
  /** Name within the run's directory, e.g. `weights-00000.parquet`. */
  name: string;
}

/** `run.json`. */
export interface RunManifest extends RunInfo {
  schemaVersion: typeof TRAJECTORY_SCHEMA_VERSION;
  toolkitVersion: string;
  cadence: SnapshotCadence;
  tensors: TensorSpec[];
  /** `positions.arrow`; in runs with `scalarsPerTensor`. */
  positions?: FileChecksum;
  snapshotsRecorded: number;
  /** Files of values in the order of their epochs; none while the run is being recorded. */
  files: WeightsFile[];
  /** `metrics.parquet`; null while the run is being recorded. */
  metrics: FileChecksum | null;
  status: RunStatus;
  /** Why the run is interrupted, diverged or failed; null otherwise. */
  reason: string | null;
}
