// The options of a training, and the defaults that depend on the samples.

import type { ComputeRequest } from '../compute/computeEngine.js';
import { UsageError } from '../errors.js';
import { LOSSES, type Loss, type NetworkCompute } from '../network/compute.js';
import type { Penalties } from '../network/network.js';
import type { FamilyConfig, NowcasterSpec } from '../network/spec.js';
import type { TrainedKind } from '../nowcaster/spec.js';
import type { TrainingSettings } from '../nowcaster/trainingRecord.js';
import {
  either,
  FLAG,
  FUNCTION,
  listOf,
  NUMBER,
  needed,
  OBJECT,
  type OptionTypes,
  oneOf,
  TEXT,
} from '../optionTypes.js';
import type { NoteListener, ProgressListener } from '../progress.js';
import type { MetricsLine } from './metricsLog.js';
import { SCHEDULES, type Schedule } from './schedule.js';

/** Settings of the optimization, all optional. Together with the samples they determine every byte of the result. */
export interface TrainingChoices {
  /** Samples per step. Default: the power of two from 128 to 8,192 that gives at least 100 steps per epoch. */
  batchSize?: number;
  /** Passes over the training samples. Default 20. Not together with `steps`. */
  epochs?: number;
  /** Total number of optimizer steps, instead of `epochs`. */
  steps?: number;
  /** Highest learning rate. Default 0.001. */
  learningRate?: number;
  /** Default `cosine`. */
  schedule?: Schedule;
  /** Steps in which the learning rate rises from 0. Default 0. */
  warmUpSteps?: number;
  /** Decoupled weight decay of kernels: each step shrinks them by this fraction of the learning rate. Default 0. */
  weightDecay?: number;
  /** Maximum L2 norm of the total gradient, including penalties. Default: not clipped. */
  gradientClip?: number;
  /** Data loss. Default `mae`, as in the paper. */
  loss?: Loss;
  /**
   * Maximum absolute target, in normalized units: training targets beyond +-this are clipped, held-out ones never. Matters with
   * `mse` and `huber`; the gradient of `mae` is the same for all targets beyond the network's reach of (-1, 1), so there
   * only a value below 1 has an effect other than on the reported loss. Default: not clipped.
   */
  clipTarget?: number;
  /** L1 penalty of the kernels of penalized layers. Default: the family's, 1e-6 for `wnn`. */
  kernelPenalty?: number;
  /** L1 penalty of the biases of penalized layers. Default: the family's, 0.1 for `wnn`. */
  biasPenalty?: number;
  /** Steps between validations. Default: one epoch. */
  validationSteps?: number;
  /** Validations without improvement after which a kind's training ends. Default: never. */
  patience?: number;
  /** Seed of the first parameters and of the order of samples. Default 0. */
  seed?: number;
  /**
   * Bytes of samples to hold in memory, validation included. Default 1 GiB. Where the training samples are more, each
   * epoch goes through the shards in random order, as many at once as fit, and shuffles within those.
   */
  memory?: number;
}

/** Options of {@link trainNowcaster}. */
export interface TrainOptions extends TrainingChoices {
  /** Directory of the samples, made by the dataset stage. */
  samples: string;
  /** Directory for `train.json` and one directory per kind; created if missing. */
  out: string;
  /** Kinds to train, one after another. Default: those that the samples were built for. */
  kinds?: readonly TrainedKind[];
  /** Family of the networks; the samples must have its inputs. Default: the family that the samples were made for. */
  family?: string;
  /** Settings of the family that replace its defaults, e.g. `{ streams: 'values' }` for `wnn`. */
  config?: FamilyConfig;
  /** Whether the network predicts the change from the window's last value. Default true. */
  residual?: boolean;
  /** The implementation that computes the network. Default `auto`: tensorflow if it has a GPU, otherwise the wasm kernels. */
  engine?: ComputeRequest;
  /** For webgpu: the GPU to use, or a part of its name. Default: the system default. */
  adapter?: string;
  /** Threads of the wasm kernels. Default: the number of cores. Does not change the result. */
  threads?: number;
  /** Opens the compute engine, instead of `engine` and `threads`. */
  openCompute?: (spec: NowcasterSpec) => Promise<NetworkCompute>;
  /**
   * What to do about an earlier training in `out`. `true` (default): go on; one of other samples, spec or settings is an
   * error. `matching`: go on where it is of the same, start a kind over otherwise, with a note. `false`: start over.
   */
  resume?: boolean | 'matching';
  /** Minimum seconds between checkpoints. Default 10. Does not change the result. */
  checkpointSeconds?: number;
  /** Directory for TensorBoard event files, one per kind. Default: none; `metrics.jsonl` is always written. */
  tensorboard?: string;
  /** When aborted, a checkpoint is saved and {@link trainNowcaster} throws its reason. */
  signal?: AbortSignal;
  onProgress?: ProgressListener;
  onNote?: NoteListener;
  /** Called after each validation, when its line has been written to `metrics.jsonl`. */
  onMetrics?: (kind: TrainedKind, line: MetricsLine) => void;
}

/** The types of {@link TrainOptions}. */
export const TRAIN_OPTIONS: OptionTypes<TrainOptions> = {
  batchSize: NUMBER,
  epochs: NUMBER,
  steps: NUMBER,
  learningRate: NUMBER,
  schedule: TEXT,
  warmUpSteps: NUMBER,
  weightDecay: NUMBER,
  gradientClip: NUMBER,
  loss: TEXT,
  clipTarget: NUMBER,
  kernelPenalty: NUMBER,
  biasPenalty: NUMBER,
  validationSteps: NUMBER,
  patience: NUMBER,
  seed: NUMBER,
  memory: NUMBER,
  samples: needed(TEXT),
  out: needed(TEXT),
  kinds: listOf(TEXT),
  family: TEXT,
  config: OBJECT,
  residual: FLAG,
  engine: TEXT,
  adapter: TEXT,
  threads: NUMBER,
  openCompute: FUNCTION,
  resume: either(FLAG, oneOf('matching')),
  checkpointSeconds: NUMBER,
  tensorboard: TEXT,
  signal: OBJECT,
  onProgress: FUNCTION,
  onNote: FUNCTION,
  onMetrics: FUNCTION,
};

/** Default of {@link TrainingChoices.memory}: 1 GiB. */
const DEFAULT_MEMORY = 2 ** 30;
const DEFAULT_EPOCHS = 20;
const DEFAULT_STEPS_PER_EPOCH = 100;
const [SMALLEST_BATCH, LARGEST_BATCH] = [128, 8192];

/** The power of two from 128 to 8,192 that gives at least 100 steps per epoch, if there are enough samples. */
function defaultBatchSize(samples: number): number {
  const power = 2 ** Math.floor(Math.log2(Math.max(1, samples / DEFAULT_STEPS_PER_EPOCH)));
  return Math.min(LARGEST_BATCH, Math.max(SMALLEST_BATCH, power));
}

/** The sizes of a kind's samples, which determine how they are held in memory. */
export interface SampleExtent {
  trainSamples: number;
  validationSamples: number;
  /** Rows of the largest shard of either split, and bytes of its file. */
  largestShard: { rows: number; bytes: number };
  /** Values of a sample: its inputs and targets. */
  width: number;
}

/** How the samples are held in memory: all validation samples or one shard at a time, and the number of training samples. */
export interface MemoryPlan {
  validationResident: boolean;
  shuffledTogether: number;
  /** Maximum bytes of samples in memory. */
  bytes: number;
}

/** Divides the memory between training and validation samples. At least one shard of each is always held. */
export function planMemory(extent: SampleExtent, memory = DEFAULT_MEMORY): MemoryPlan {
  const { trainSamples, validationSamples, largestShard, width } = extent;
  const sampleBytes = 4 * width;
  // A training sample also takes four bytes of the permutation.
  const drawnBytes = sampleBytes + 4;
  const validationResident = validationSamples * sampleBytes <= memory / 4;
  const validationBytes = (validationResident ? validationSamples : largestShard.rows) * (sampleBytes + 4);
  const capacity = Math.floor((memory - validationBytes - largestShard.bytes) / drawnBytes);
  const shuffledTogether = Math.min(trainSamples, Math.max(capacity, largestShard.rows));
  return {
    validationResident,
    shuffledTogether,
    bytes: shuffledTogether * drawnBytes + validationBytes + largestShard.bytes,
  };
}

/** The ranges that {@link resolveSettings} checks. */
const RANGES: [name: keyof TrainingChoices, option: string, low: number, whole: boolean][] = [
  ['batchSize', '--batch-size', 1, true],
  ['epochs', '--epochs', 1, true],
  ['steps', '--steps', 1, true],
  ['learningRate', '--learning-rate', Number.MIN_VALUE, false],
  ['warmUpSteps', '--warm-up-steps', 0, true],
  ['weightDecay', '--weight-decay', 0, false],
  ['gradientClip', '--gradient-clip', Number.MIN_VALUE, false],
  ['clipTarget', '--clip-target', Number.MIN_VALUE, false],
  ['kernelPenalty', '--kernel-penalty', 0, false],
  ['biasPenalty', '--bias-penalty', 0, false],
  ['validationSteps', '--validation-steps', 1, true],
  ['patience', '--patience', 1, true],
  ['seed', '--seed', Number.NEGATIVE_INFINITY, false],
  ['memory', '--memory', 1, false],
];

/**
 * Checks the choices independently of samples.
 *
 * @throws {@link UsageError} naming the option.
 */
export function checkChoices(choices: TrainingChoices): void {
  for (const [name, option, low, whole] of RANGES) {
    const value = choices[name];
    if (value === undefined) continue;
    if (typeof value !== 'number' || !Number.isFinite(value) || value < low || (whole && !Number.isInteger(value)))
      throw new UsageError({
        what: `${name} is out of range`,
        where: `${option} ${value}`,
        remedy: `give a ${whole ? 'whole ' : ''}number ${low === Number.MIN_VALUE ? 'above 0' : `from ${low} up`}`,
      });
  }
  const { schedule, loss } = choices;
  if (schedule !== undefined && !SCHEDULES.includes(schedule))
    throw new UsageError({
      what: `no schedule ${schedule}`,
      where: '--schedule',
      remedy: `use ${SCHEDULES.join(', ')}`,
    });
  if (loss !== undefined && !LOSSES.includes(loss))
    throw new UsageError({ what: `no loss ${loss}`, where: '--loss', remedy: `use ${LOSSES.join(', ')}` });
  if (choices.steps !== undefined && choices.epochs !== undefined)
    throw new UsageError({ what: 'both epochs and steps', where: '--epochs, --steps', remedy: 'give one of them' });
}

/** Fills in the defaults for one kind, from the number of its samples. */
export function resolveSettings(
  choices: TrainingChoices,
  extent: SampleExtent,
  penalties: Penalties,
): TrainingSettings {
  const batchSize = choices.batchSize ?? defaultBatchSize(extent.trainSamples);
  const stepsPerEpoch = Math.ceil(extent.trainSamples / batchSize);
  const plannedSteps = choices.steps ?? (choices.epochs ?? DEFAULT_EPOCHS) * stepsPerEpoch;
  const warmUpSteps = choices.warmUpSteps ?? 0;
  if (warmUpSteps >= plannedSteps && warmUpSteps > 0)
    throw new UsageError({
      what: `a warm-up of ${warmUpSteps} of ${plannedSteps} steps`,
      where: '--warm-up-steps',
      remedy: 'give fewer than all steps',
    });
  return {
    seed: choices.seed ?? 0,
    loss: choices.loss ?? 'mae',
    batchSize,
    plannedSteps,
    validationSteps: choices.validationSteps ?? stepsPerEpoch,
    learningRate: choices.learningRate ?? 1e-3,
    schedule: choices.schedule ?? 'cosine',
    warmUpSteps,
    weightDecay: choices.weightDecay ?? 0,
    gradientClip: choices.gradientClip ?? null,
    clipTarget: choices.clipTarget ?? null,
    kernelPenalty: choices.kernelPenalty ?? penalties.kernel,
    biasPenalty: choices.biasPenalty ?? penalties.bias,
    patience: choices.patience ?? null,
    shuffledTogether: planMemory(extent, choices.memory).shuffledTogether,
  };
}
