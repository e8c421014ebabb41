// The options and the result of the dataset stage, their defaults and their checks.

import { availableParallelism } from 'node:os';
import { UsageError } from '../errors.js';
import type { JobExecutor } from '../jobs/index.js';
import { familyProblem, windowSpecProblem } from '../nowcaster/spec.js';
import type { NoteListener, ProgressListener } from '../progress.js';
import type { DatasetManifest, SampleSpec } from '../samples/index.js';

/** What can be given even shares of the samples. */
export const BALANCES = ['kinds', 'architectures', 'runs'] as const;
export type Balance = (typeof BALANCES)[number];

/** Which runs are kept for validation, by name. A run is held out when any of the names is its own. */
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
  /** Directory to write. It is made, or replaced when it holds samples; anything else there is left alone (an error). */
  out: string;
  /** Family of networks that the samples are for: they get its inputs. Default `wnn`. */
  family?: string;
  /** Values of a window, L: 2 to 20. Default 5. */
  inputLength?: number;
  /** Epochs past the window's last value to predict, ascending, each 1 to 20. Default `[5]`. */
  horizons?: number[];
  /** `range` divides each window by its range; `none` keeps raw weights. Default `range`. */
  normalization?: SampleSpec['normalization'];
  /** Scalars to draw from a tensor, at most, 1 to 10,000,000; all of a tensor that has no more. Default 1,000. */
  scalarsPerTensor?: number;
  /** Epochs between the starts of successive windows, 1 or more. Default 1: every epoch starts a window. */
  windowStride?: number;
  /** Leave out epochs before this one, as when a run's start is no guide to the rest. Default 0. */
  firstEpoch?: number;
  /** Leave out windows that hardly move: those whose range (maximum less minimum) is below this share of the root mean
   * square of the ranges of their tensor's drawn scalars over the same epochs, scalars that stand still not counted. From
   * 0 to below 1. Default 0: all windows that change at all. */
  minRange?: number;
  /** Share of the runs that is kept for validation, from 0 to below 1. Not together with `holdOut`. Default 0.2. */
  validationShare?: number;
  /** Keep the runs of these architectures or tasks for validation instead of a share. Default: none. */
  holdOut?: HoldOut;
  /** Give these groups even shares of the samples: drawing fewer scalars from rich ones and more, up to all, from poor
   * ones; the total stays about the same. Default: none. */
  balance?: Balance[];
  /** Take batch-norm tensors of rank 1 too, as biases. Default false. */
  includeNorm?: boolean;
  /** Take runs too that were interrupted or are still being recorded. Default false. */
  includeInterrupted?: boolean;
  /** Decides which scalars are drawn, the split and the order of samples. Default 0. */
  seed?: number;
  /** Samples of a shard, about, 1,000 to 100,000,000. Default 1,048,576 (some 33 MB). */
  shardRows?: number;
  /** Bytes of memory that the whole process may use, 256 MiB or more. Default 1 GiB. Does not change the output. */
  memory?: number;
  /** Threads that read runs; 0 does all work in the calling thread. Default: one a core. Does not change the output. */
  threads?: number;
  /** Who reads the runs, e.g. a `queueExecutor`; this call puts the parts that they leave beside `out` together. Default:
   * `threads` of this process, without parts; for `extractShard` as many processes. */
  executor?: JobExecutor;
  /** Put together the parts that `extractShard` left beside `out`, rather than read the runs. Default false. */
  merge?: boolean;
  /** Return what is there when it was built by the same options from the same runs. Default false: build again. */
  reuse?: boolean;
  onProgress?: ProgressListener;
  onNote?: NoteListener;
  /** Stops the work; what was written so far is removed and `signal.reason` thrown. */
  signal?: AbortSignal;
}

/** Result of {@link buildDataset}. */
export interface DatasetResult {
  /** The directory that was written. */
  dir: string;
  /** What its dataset.json holds. */
  manifest: DatasetManifest;
  /** Whether it was there already (option `reuse`). */
  reused: boolean;
}

/** {@link DatasetOptions} with defaults filled in and checked, without the listeners. */
export type DatasetSettings = Required<
  Omit<DatasetOptions, 'stores' | 'holdOut' | 'executor' | 'merge' | 'onProgress' | 'onNote' | 'signal'>
> & {
  stores: string[];
  holdOut: Required<HoldOut> | null;
};

/** The most scalars of one tensor that can be drawn. */
export const MOST_SCALARS = 1e7;

/** The least that `memory` may be: Node with its threads and the Parquet decoder takes most of this. */
const LEAST_MEMORY = 256 * 2 ** 20;

/**
 * Fills in defaults and checks every option.
 *
 * @throws {@link UsageError} naming the option.
 */
export function settleOptions(options: DatasetOptions): DatasetSettings {
  const settings: DatasetSettings = {
    stores: typeof options.stores === 'string' ? [options.stores] : options.stores,
    out: options.out,
    family: options.family ?? 'wnn',
    inputLength: options.inputLength ?? 5,
    horizons: options.horizons ?? [5],
    normalization: options.normalization ?? 'range',
    scalarsPerTensor: options.scalarsPerTensor ?? 1000,
    windowStride: options.windowStride ?? 1,
    firstEpoch: options.firstEpoch ?? 0,
    minRange: options.minRange ?? 0,
    validationShare: options.validationShare ?? 0.2,
    holdOut: settleHoldOut(options.holdOut),
    balance: options.balance ?? [],
    includeNorm: options.includeNorm ?? false,
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
  requireWhole('scalarsPerTensor', 1, MOST_SCALARS);
  requireWhole('windowStride', 1);
  requireWhole('firstEpoch', 0);
  if (!(settings.minRange >= 0 && settings.minRange < 1)) refuse('minRange', 'a number in [0, 1)');
  requireWhole('shardRows', 1000, 1e8);
  requireWhole('memory', LEAST_MEMORY);
  requireWhole('threads', 0, 1024);
  if (!Number.isFinite(settings.seed)) refuse('seed', 'a number');
  if (!(settings.validationShare >= 0 && settings.validationShare < 1)) refuse('validationShare', 'a number in [0, 1)');
  if (settings.holdOut && options.validationShare !== undefined)
    refuse('validationShare', 'either a share or what to hold out, not both');
  const unknown = settings.balance.find((balance) => !BALANCES.includes(balance));
  if (unknown !== undefined) refuse('balance', `a list of ${BALANCES.join(', ')}`);
  return settings;
}

function settleHoldOut(holdOut: HoldOut | undefined): DatasetSettings['holdOut'] {
  const { architecture = [], task = [] } = holdOut ?? {};
  return architecture.length + task.length === 0 ? null : { architecture, task };
}
