// The interface of an importer, which recognizes the files of one format and lists and reads their checkpoints. Runs,
// order, kinds and layout are handled by src/collect/import/.

import type { WnnError } from '../../errors.js';
import type { FloatType } from '../../formats/floats.js';
import type { RunInfo, TensorKind, TensorStatistics } from '../../trajectory/schema.js';

/** The axis order of kernels: Keras's [kh, kw, in, out] and [in, out], or PyTorch's. */
export type KernelLayout = 'keras' | 'torch';

/** The start of a file. */
export interface FileStart {
  /** The file's name without its directory. */
  name: string;
  /** Its first bytes, 512 at most. */
  bytes: Uint8Array;
  /** The same as text, a character a byte. */
  text: string;
}

/** The metadata of a checkpoint's array, before its values are read. */
export interface ListedTensor {
  /** Unique within the checkpoint. */
  name: string;
  shape: readonly number[];
  /**
   * Type of its elements: floats; `whole` for whole numbers, truth values and texts, which are no weights; or what the
   * format calls a type that is not read (`float8_e4m3fn`), which is told with the tensor's name.
   */
  type: FloatType | 'whole' | { unreadable: string };
  /** Class of its layer, if the file records it: `BatchNormalization`, `batch_normalization`. */
  layerClass?: string;
  /** The tensor that these are only some scalars of, and which: ascending row-major positions. Default: none, it is whole. */
  sampledFrom?: { shape: readonly number[]; positions: Uint32Array };
  /** Its kind, where the format says it. Default: by class, name and rank. */
  kind?: TensorKind;
  /** Whether it is optimizer state, if the format says so. Default: by name. */
  isOptimizer?: boolean;
  /**
   * Reads the values, row-major. Asked of floats only, one tensor at a time, while the checkpoint is open.
   *
   * @throws CorruptFileError
   */
  read(): Float32Array | Promise<Float32Array>;
}

/** What a format says of the training that its checkpoints are of. */
export type TrainingFacts = Partial<
  Pick<
    RunInfo,
    | 'task'
    | 'architecture'
    | 'optimizer'
    | 'hyperparameters'
    | 'epochsPlanned'
    | 'cadence'
    | 'nowcasts'
    | 'scalarsPerTensor'
  >
>;

/** A checkpoint whose file is open. */
export interface ListedCheckpoint {
  tensors: readonly ListedTensor[];
  /** Number of the snapshot, from 0, ascending. Default: one more than that of the checkpoint before. */
  snapshot?: number;
  /** Metrics of the epoch or step. Default: those of the log that the user names. */
  metrics?: Record<string, number>;
  /** Statistics of the whole tensors, by name; with `training.scalarsPerTensor`. */
  statistics?: ReadonlyMap<string, TensorStatistics>;
  /** Layout of the kernels, where the file says it. Default: the importer's. */
  layout?: KernelLayout;
  /** Facts of the training, of the first checkpoint. Default: none. */
  training?: TrainingFacts;
  /** Why the run is interrupted, where the format says that the training did not come to its end. Default: it is complete. */
  interruption?: string;
  /** Number of optimizer arrays in the file that are not listed. Default 0. */
  optimizerArrays?: number;
  /** Number of other float arrays in the file that are not listed. Default 0. */
  otherArrays?: number;
  /** Of files that hold several dictionaries of tensors: the one that is listed, and the others that could be. */
  dictionary?: { key: string; others: string[] };
}

/** Options of {@link CheckpointImporter.open}. */
export interface OpenOptions {
  /** Which dictionary of the file to list. Default: the one with the most values. */
  key?: string;
  /** The file whose dictionary `key` is, where it is that of the run's first checkpoint rather than what the user asked for. */
  keyOf?: string;
}

/** The importer of one format of checkpoints. */
export interface CheckpointImporter {
  /** Name for `--format`, e.g. `npz`. */
  id: string;
  /** Files that it takes, for people: `.npz of named arrays`. */
  describe: string;
  /** How names of its files end. Such files are taken out of a directory; what matches is no part of a checkpoint's name. */
  ending: RegExp;
  /** Endings that other files have too (`.json`, `.bin`): such a file is taken when its content is recognized. */
  sharedEnding?: RegExp;
  /** A file that makes its directory a checkpoint as a whole, e.g. `model.json`. Default: none. */
  folderFile?: string;
  /** Recognizes a file by its first bytes. Content takes precedence over endings. */
  recognizes(start: FileStart): boolean;
  /** Other files that a file of this format consists of, beside it: they are no checkpoints of their own. Default: none. */
  listParts?(path: string): string[];
  /**
   * Layout of the kernels; `open` where the format does not say it: then it is known by the names of the tensors.
   * Default `keras`.
   */
  layout?: KernelLayout | 'open';
  /** Whether its files hold dictionaries of tensors, of which {@link OpenOptions.key} chooses one. Default false. */
  hasDictionaries?: boolean;
  /** Whether a file is a whole run rather than one checkpoint. Default false. */
  isTrajectory?: boolean;
  /**
   * Opens a file and hands over its checkpoints in order: one, or all of a trajectory. Sizes that the file claims are
   * checked before memory is taken for them.
   *
   * @param take reads what it needs of the checkpoint before its promise resolves.
   * @throws CorruptFileError, MissingFileError
   */
  open(path: string, take: (checkpoint: ListedCheckpoint) => Promise<void>, options: OpenOptions): Promise<void>;
}

/** A format that is recognized but not read; the error says how to convert it. */
export interface RefusedFormat {
  /** How names of its files end. */
  ending: RegExp;
  /** Files of which each makes its directory a checkpoint as a whole. Default: none. */
  folderFiles?: readonly string[];
  /** Whether a file that begins so is of this format. */
  recognizes(start: FileStart): boolean;
  /** Why it is not read, and the line that converts it. */
  refusal(path: string): WnnError;
}
