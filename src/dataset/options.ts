// The options and the result of the dataset stage, their defaults and their checks.

import { availableParallelism } from 'node:os';
import { UsageError } from '../errors.js';
import { findFamily } from '../families/index.js';
import type { JobExecutor } from '../jobs/index.js';
import {
  DEFAULT_KINDS,
  familyProblem,
  kindsProblem,
  sortKinds,
  TRAINED_KINDS,
  type TrainedKind,
  windowSpecProblem,
} from '../nowcaster/spec.js';
import {
  either,
  FLAG,
  FUNCTION,
  listOf,
  NUMBER,
  needed,
  OBJECT,
  type OptionTypes,
  objectOf,
  requireOptions,
  TEXT,
} from '../optionTypes.js';
import type { NoteListener, ProgressListener } from '../progress.js';
import type { DatasetManifest, SampleSpec } from '../samples/index.js';
import { requireCadence, type SnapshotCadence } from '../trajectory/cadence.js';

/** Groups that `balance` can equalize. */
export const BALANCES = ['kinds', 'architectures', 'runs'] as const;
export type Balance = (typeof BALANCES)[number];

/** Runs held out for validation, by name. A run is held out when any name matches. */
export interface HoldOut {
  /** Architectures, e.g. `shufflenetv2`; letters and digits count, case and punctuation do not. Default: none. */
  architecture?: string[];
  /** Tasks, e.g. `cifar10`. Default: none. */
  task?: string[];
}

/** Options of {@link buildDataset}. */
export interface DatasetOptions {
  /** Trajectory stores to read: one directory or several. Ids of runs must be unique over all of them. */
  stores: string | string[];
  /** Output directory. It is created, or replaced when it holds samples; any other content is an error. */
  out: string;
  /** Family of networks that the samples are for; it determines their input columns. Default `wnn`. */
  family?: string;
  /** Values of a window, L: 2 to 20. Default 5. */
  inputLength?: number;
  /** Snapshots past the window's last value to predict, ascending, each 1 to 40. Default `[5]`. */
  horizons?: number[];
  /** `range` divides each window by its range; `tensor` by the root mean square of its tensor's changes; `none` keeps raw
   * weights. Default: the family's, `range` for `wnn`. */
  normalization?: SampleSpec['normalization'];
  /** Maximum number of scalars drawn from a tensor, 1 to 10,000,000. Default 1,000. */
  scalarsPerTensor?: number;
  /** Snapshots between the starts of successive windows, 1 or more. Default 1: every snapshot starts a window. */
  windowStride?: number;
  /**
   * Cadence of the samples: of runs with a finer one, every k-th snapshot is used, as if no other had been recorded. Default:
   * that of the runs, which must be the same in all.
   */
  resample?: SnapshotCadence;
  /** First snapshot to use, counted from 0 at the samples' cadence. Default 0. */
  firstSnapshot?: number;
  /** Drop windows whose range (maximum minus minimum) is below this fraction of the root mean square range of the
   * tensor's drawn scalars over the same snapshots; constant scalars are not counted in the mean. In [0, 1). Default 0:
   * only constant windows are dropped. */
  minRange?: number;
  /** Fraction of the runs held out for validation, in [0, 1). Excludes `holdOut`. Default 0.2. */
  validationShare?: number;
  /** Hold out the runs of these architectures or tasks for validation. Default: none. */
  holdOut?: HoldOut;
  /** Equalize the number of samples of these groups: fewer scalars are drawn from large groups and more, up to all, from
   * small ones. The total stays about the same. Default: none. */
  balance?: Balance[];
  /** Kinds of tensors to draw from, each with samples of its own. Default `conv`, `fc`, `bias`. */
  kinds?: readonly TrainedKind[];
  /** Also use runs that were interrupted or are still being recorded. Default false. */
  includeInterrupted?: boolean;
  /** Seed of the draw of scalars, the split and the order of samples. Default 0. */
  seed?: number;
  /** Approximate samples per shard, 1,000 to 100,000,000. Default 1,048,576 (about 33 MB). */
  shardRows?: number;
  /** Memory limit of the process in bytes, at least 256 MiB. Default 1 GiB. Does not change the output. */
  memory?: number;
  /** Threads that read runs; 0 uses the calling thread. Default: one per core. Does not change the output. */
  threads?: number;
  /** Executor that reads the runs, e.g. a `queueExecutor`. It writes parts beside `out`, which this call merges. Default:
   * `threads` of this process, without parts; for `extractShard`, as many processes. */
  executor?: JobExecutor;
  /** Merge the parts that `extractShard` wrote beside `out` instead of reading the runs. Default false. */
  merge?: boolean;
  /** Return the existing samples when they were built with the same options from the same runs. Default false: rebuild. */
  reuse?: boolean;
  onProgress?: ProgressListener;
  onNote?: NoteListener;
  /** Aborts the build: partial output is removed and `signal.reason` is thrown. */
  signal?: AbortSignal;
}

/** The types of {@link DatasetOptions}. */
const DATASET_OPTIONS: OptionTypes<DatasetOptions> = {
  stores: needed(either(TEXT, listOf(TEXT))),
  out: needed(TEXT),
  family: TEXT,
  inputLength: NUMBER,
  horizons: listOf(NUMBER),
  normalization: TEXT,
  scalarsPerTensor: NUMBER,
  windowStride: NUMBER,
  resample: objectOf('unit', 'every'),
  firstSnapshot: NUMBER,
  minRange: NUMBER,
  validationShare: NUMBER,
  holdOut: objectOf('architecture', 'task'),
  balance: listOf(TEXT),
  kinds: listOf(TEXT),
  includeInterrupted: FLAG,
  seed: NUMBER,
  shardRows: NUMBER,
  memory: NUMBER,
  threads: NUMBER,
  executor: OBJECT,
  merge: FLAG,
  reuse: FLAG,
  onProgress: FUNCTION,
  onNote: FUNCTION,
  signal: OBJECT,
};

/** Result of {@link buildDataset}. */
export interface DatasetResult {
  /** The output directory. */
  dir: string;
  /** The content of its dataset.json. */
  manifest: DatasetManifest;
  /** Whether existing samples were returned (option `reuse`). */
  reused: boolean;
}

/** {@link DatasetOptions} with defaults filled in and checked, without the listeners. */
export type DatasetSettings = Required<
  Omit<DatasetOptions, 'stores' | 'holdOut' | 'resample' | 'executor' | 'merge' | 'onProgress' | 'onNote' | 'signal'>
> & {
  stores: string[];
  holdOut: Required<HoldOut> | null;
  resample: SnapshotCadence | null;
};

/** Upper limit of `scalarsPerTensor`. */
export const MOST_SCALARS = 1e7;

/** Lower limit of `memory` in bytes: Node with its threads and the Parquet decoder takes most of this. */
const LEAST_MEMORY = 256 * 2 ** 20;

/**
 * Fills in defaults and checks every option.
 *
 * @throws {@link UsageError} naming the option.
 */
export function settleOptions(options: DatasetOptions): DatasetSettings {
  requireOptions('buildDataset', options, DATASET_OPTIONS);
  const settings: DatasetSettings = {
    stores: typeof options.stores === 'string' ? [options.stores] : options.stores,
    out: options.out,
    family: options.family ?? 'wnn',
    inputLength: options.inputLength ?? 5,
    horizons: options.horizons ?? [5],
    normalization: options.normalization ?? findFamily(options.family ?? 'wnn')?.normalization ?? 'range',
    scalarsPerTensor: options.scalarsPerTensor ?? 1000,
    windowStride: options.windowStride ?? 1,
    resample: options.resample === undefined ? null : requireCadence(options.resample, 'resample'),
    firstSnapshot: options.firstSnapshot ?? 0,
    minRange: options.minRange ?? 0,
    validationShare: options.validationShare ?? 0.2,
    holdOut: settleHoldOut(options.holdOut),
    balance: options.balance ?? [],
    kinds: sortKinds(options.kinds ?? DEFAULT_KINDS),
    includeInterrupted: options.includeInterrupted ?? false,
    seed: options.seed ?? 0,
    shardRows: options.shardRows ?? 2 ** 20,
    memory: options.memory ?? 2 ** 30,
    threads: options.threads ?? availableParallelism(),
    reuse: options.reuse ?? false,
  };
  const refuse = (option: string, wanted: string) => {
    throw new UsageError({
      what: `impossible ${option}: ${JSON.stringify(settings[option as keyof DatasetSettings])}`,
      where: 'wnn dataset',
      remedy: `give ${wanted}`,
    });
  };
  const requireWhole = (option: keyof DatasetSettings, low: number, high = Number.MAX_SAFE_INTEGER) => {
    const value = settings[option];
    if (!Number.isSafeInteger(value) || (value as number) < low || (value as number) > high)
      refuse(option, `a whole number from ${low}${high === Number.MAX_SAFE_INTEGER ? ' up' : ` to ${high}`}`);
  };
  if (settings.stores.length === 0) refuse('stores', 'at least one trajectory store');
  const problem = windowSpecProblem(settings) ?? familyProblem(settings.family);
  if (problem !== null)
    throw new UsageError({ what: problem, where: 'wnn dataset', remedy: 'correct that option and run it again' });
  const wrongKinds = kindsProblem(options.kinds ?? DEFAULT_KINDS);
  if (wrongKinds !== null)
    throw new UsageError({ what: wrongKinds, where: '--kind', remedy: `use ${TRAINED_KINDS.join(', ')}` });
  requireWhole('scalarsPerTensor', 1, MOST_SCALARS);
  requireWhole('windowStride', 1);
  requireWhole('firstSnapshot', 0);
  if (!(settings.minRange >= 0 && settings.minRange < 1)) refuse('minRange', 'a number in [0, 1)');
  requireWhole('shardRows', 1000, 1e8);
  requireWhole('memory', LEAST_MEMORY);
  requireWhole('threads', 0, 1024);
  if (!Number.isFinite(settings.seed)) refuse('seed', 'a number');
  if (!(settings.validationShare >= 0 && settings.validationShare < 1)) refuse('validationShare', 'a number in [0, 1)');
  if (settings.holdOut && options.validationShare !== undefined)
    refuse('validationShare', 'only one of a share and runs to hold out');
  const unknown = settings.balance.find((balance) => !BALANCES.includes(balance));
  if (unknown !== undefined) refuse('balance', `a list of ${BALANCES.join(', ')}`);
  return settings;
}

function settleHoldOut(holdOut: HoldOut | undefined): DatasetSettings['holdOut'] {
  requireOptions('holdOut', holdOut ?? {}, { architecture: listOf(TEXT), task: listOf(TEXT) });
  const { architecture = [], task = [] } = holdOut ?? {};
  return architecture.length + task.length === 0 ? null : { architecture, task };
}
