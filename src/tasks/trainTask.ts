// Trains one network of a task deterministically: initial weights and batches depend only on the seed, not on the
// callbacks. Recording and nowcasting are callbacks; nothing is stored here.

import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { UsageError } from '../errors.js';
import type { OptimizerInfo } from '../trajectory/schema.js';
import { buildModel } from '../zoo/index.js';
import type { ArchitectureOptions } from '../zoo/options.js';
import { type Augmentation, checkAugmentation } from './augmentation.js';
import { countBatches, orderedBatches, shuffledBatches, statisticsBatches, timedBatches } from './batches.js';
import { addLossMetrics } from './metric.js';
import { evaluatesElsewhere, makeOptimizer } from './optimizer.js';
import { OtherValidations } from './otherValidations.js';
import { ScheduleCallback } from './scheduleCallback.js';
import type { Task } from './task.js';
import type { TaskData } from './taskData.js';
import { type ValidationWeights, withValidationWeights } from './validationWeights.js';

/** Examples per validation batch; affects only memory. */
const VALIDATION_BATCH = 256;
/** Milliseconds after which training yields to the event loop (messages, signals). */
const YIELD_INTERVAL = 50;

/** A tfjs callback, or a plain object of callback functions. */
export type TrainCallback = tfl.Callback | tfl.CustomCallbackArgs;

/** Progress within an epoch. */
export interface BatchProgress {
  /** From 0. */
  epoch: number;
  /** Finished batches of this epoch, from 1. */
  batchesDone: number;
  batchesPerEpoch: number;
  /** Training examples (images) per second of this epoch so far. */
  examplesPerSecond: number;
}

/** Metrics of a finished epoch. */
export interface EpochProgress {
  /** From 0. */
  epoch: number;
  /** loss, acc, val_loss, val_acc; for text also perplexity and val_perplexity. */
  metrics: Record<string, number>;
  /** Training examples (images) per second of this epoch, without validation. */
  examplesPerSecond: number;
}

/** Options of {@link trainTask}. */
export interface TrainTaskOptions {
  task: Task;
  /** The task's data, already loaded. */
  data: TaskData;
  /** Seed of initial weights, order of examples and augmentation. */
  seed: number;
  /** At least 1. */
  epochs: number;
  /** Examples per batch, at least 1; the last batch of an epoch may be smaller. */
  batchSize: number;
  /** Name (`adam`, `sgd`, ...), `learningRate`, `schedule` over the epochs planned and further settings; see optimizer.ts. */
  optimizer: OptimizerInfo;
  /**
   * Training examples of an epoch, at least 1; later epochs go on where the last one ended in a random order of all. Each takes
   * whole batches. Default: all examples, so that an epoch is one pass.
   */
  epochExamples?: number;
  /** Options of the architecture, in place of the task's own. Default: the task's. */
  options?: ArchitectureOptions;
  /** Augmentation of the training inputs, for images only. Default: none. */
  augmentation?: Augmentation;
  /** Called after this module's own, in order. They run at the end of an epoch after its validation, as in Keras. */
  callbacks?: TrainCallback[];
  /**
   * Weights to validate instead of the trained ones, e.g. their average. Called after the last batch of an epoch, after all
   * `onBatchEnd` and before any `onEpochEnd`; not called in an interrupted epoch. Batch-norm statistics are estimated anew for
   * them, from up to ten training batches. The trained weights are restored before `onEpochEnd`. Default: the weights that
   * the optimizer wants to be validated, which are the trained ones for all but Schedule-Free.
   */
  validationWeights?: ValidationWeights;
  /**
   * Further validations at the end of each epoch, of other weights of the same training, after the validation above and before any
   * `onEpochEnd` of `callbacks`. Null: the default of `validationWeights`. Training does not depend on them.
   */
  otherValidations?: readonly (ValidationWeights | null)[];
  /** Called with what each validation took: 0 is that of `validationWeights`, the others follow in order. */
  onValidated?(validation: number, milliseconds: number): void;
  /** Aborts at the end of the batch. Callbacks receive no `onEpochEnd` for an interrupted epoch. */
  signal?: AbortSignal;
  onBatch?(progress: BatchProgress): void;
  onEpoch?(progress: EpochProgress): void;
}

/** Result of {@link trainTask}. */
export interface TrainTaskResult {
  /** One array per metric of {@link EpochProgress}, one value per epoch. */
  history: Record<string, number[]>;
  /** The same for each of `otherValidations`. */
  otherHistories: Record<string, number[]>[];
  /** Finished epochs; fewer than requested when the training diverged. */
  epochs: number;
  /** Whether loss or weights became infinite or NaN; training stopped at the end of that epoch. */
  diverged: boolean;
  /** Trainable and other parameters of the network. */
  parameters: number;
  /** Wall-clock time of all epochs, including validation and callbacks. */
  seconds: number;
  /** Training examples (images) per second over the run, without validation and callbacks at epoch ends. */
  examplesPerSecond: number;
}

/**
 * Trains a network of the task from its seed and validates it after each epoch. Cross-entropy loss.
 *
 * The order of an epoch: batches with `onBatchBegin` and `onBatchEnd`; `validationWeights`; validation; `onEpochEnd`, where
 * callbacks may change the weights that the next epoch begins with.
 *
 * All tensors, including the network's, are disposed of before it returns; callbacks must copy what they keep.
 *
 * @throws {@link UsageError} for impossible settings; `signal.reason` when aborted.
 */
export async function trainTask(options: TrainTaskOptions): Promise<TrainTaskResult> {
  const { task, data, seed, epochs, batchSize, signal } = options;
  checkWhole('epochs', epochs);
  checkWhole('batchSize', batchSize);
  if (options.epochExamples !== undefined) checkWhole('epochExamples', options.epochExamples);
  if (options.augmentation !== undefined) checkAugmentation(options.augmentation);
  if (options.augmentation !== undefined && !data.train.augmentable) {
    throw new UsageError({ what: 'augmentation is for images', where: task.name, remedy: 'leave it out' });
  }
  const optimizer = makeOptimizer(options.optimizer);
  const model = buildModel(task.architecture, {
    inputShape: data.inputShape,
    classes: data.classes,
    seed,
    options: { ...task.options, ...options.options },
  });
  try {
    signal?.throwIfAborted();
    model.compile({ optimizer: optimizer, loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] });
    const parameters = model.countParams();
    const watch = new TrainingWatch(
      model,
      options,
      countBatches(Math.min(data.train.count, options.epochExamples ?? data.train.count), batchSize),
    );
    const rate = new ScheduleCallback(optimizer, options.optimizer, epochs, watch.batchesPerEpoch);
    const batches = shuffledBatches(data.train, batchSize, seed, options.augmentation);
    const validation = orderedBatches(data.validation, VALIDATION_BATCH);
    const validateByDefault: ValidationWeights | null = evaluatesElsewhere(optimizer)
      ? async () => optimizer.evaluationWeights(model.getWeights())
      : null;
    const statistics = (epoch: number) => statisticsBatches(data.train, batchSize, seed, epoch, options.augmentation);
    const [own, ...others] = [options.validationWeights ?? null, ...(options.otherValidations ?? [])].map(
      (weights, v) => {
        const choose = weights ?? validateByDefault;
        const chosen = choose === null ? validation : withValidationWeights(validation, model, choose, statistics);
        return timedBatches(chosen, (milliseconds) => options.onValidated?.(v, milliseconds));
      },
    );
    const otherValidations = new OtherValidations(others, watch, task.metric);
    const begin = performance.now();
    const history = await model.fitDataset(batches as never, {
      epochs,
      batchesPerEpoch: watch.batchesPerEpoch,
      validationData: own as never,
      callbacks: [
        watch,
        rate,
        otherValidations,
        ...(options.callbacks ?? []).map((callback) => new GuardedCallback(callback, watch)),
      ],
      verbose: 0,
    });
    if (watch.cutOff) signal?.throwIfAborted();
    return {
      history: history.history as Record<string, number[]>,
      otherHistories: otherValidations.histories,
      epochs: history.epoch.length,
      diverged: watch.diverged,
      parameters,
      seconds: (performance.now() - begin) / 1000,
      examplesPerSecond: watch.examplesPerSecond,
    };
  } finally {
    model.dispose();
    optimizer.dispose();
  }
}

/** Runs before all other callbacks: stops a training that was aborted or diverged, and reports progress. */
class TrainingWatch extends tfl.Callback {
  diverged = false;
  /** Whether the training was aborted during an epoch. */
  cutOff = false;
  #epoch = 0;
  #epochBegin = 0;
  #epochExamples = 0;
  #examples = 0;
  #milliseconds = 0;
  #epochRate = 0;
  #lastYield = performance.now();

  constructor(
    readonly network: tfl.LayersModel,
    readonly options: TrainTaskOptions,
    readonly batchesPerEpoch: number,
  ) {
    super();
  }

  get examplesPerSecond(): number {
    return this.#milliseconds > 0 ? (this.#examples * 1000) / this.#milliseconds : 0;
  }

  override async onEpochBegin(epoch: number): Promise<void> {
    this.#epoch = epoch;
    this.#epochBegin = performance.now();
    this.#epochExamples = 0;
  }

  override async onBatchEnd(batch: number, logs?: tfl.Logs): Promise<void> {
    const now = performance.now();
    this.#epochExamples += logs?.size ?? 0;
    this.#epochRate = (this.#epochExamples * 1000) / (now - this.#epochBegin);
    this.options.onBatch?.({
      epoch: this.#epoch,
      batchesDone: batch + 1,
      batchesPerEpoch: this.batchesPerEpoch,
      examplesPerSecond: this.#epochRate,
    });
    if (batch + 1 === this.batchesPerEpoch) {
      this.#examples += this.#epochExamples;
      this.#milliseconds += now - this.#epochBegin;
    }
    if (now - this.#lastYield > YIELD_INTERVAL) {
      await new Promise((resume) => setImmediate(resume));
      this.#lastYield = performance.now();
    }
    if (this.options.signal?.aborted && batch + 1 < this.batchesPerEpoch) {
      this.cutOff = true;
      this.network.stopTraining = true;
    }
  }

  override async onEpochEnd(epoch: number, logs: tfl.Logs = {}): Promise<void> {
    if (this.cutOff) return;
    await resolveLogs(logs);
    addLossMetrics(logs as Record<string, number>, this.options.task.metric);
    if (!Number.isFinite(logs.loss) || !(await hasFiniteWeights(this.network))) this.diverged = true;
    if (this.diverged || this.options.signal?.aborted) this.network.stopTraining = true;
    this.options.onEpoch?.({ epoch, metrics: { ...logs }, examplesPerSecond: this.#epochRate });
  }
}

/** Forwards all events to a callback, except the end of an interrupted epoch. */
class GuardedCallback extends tfl.Callback {
  readonly #inner: tfl.Callback | tfl.CustomCallback;

  constructor(
    callback: TrainCallback,
    readonly watch: TrainingWatch,
  ) {
    super();
    const isCallback = 'setModel' in callback;
    this.#inner = isCallback ? callback : new tfl.CustomCallback(callback, 'never');
  }
  override setParams(params: Parameters<tfl.Callback['setParams']>[0]): void {
    this.#inner.setParams(params);
  }
  override setModel(model: tfl.LayersModel): void {
    this.#inner.setModel(model);
  }
  override async onTrainBegin(logs?: tfl.Logs): Promise<void> {
    await this.#inner.onTrainBegin(logs);
  }
  override async onEpochBegin(epoch: number, logs?: tfl.Logs): Promise<void> {
    await this.#inner.onEpochBegin(epoch, logs);
  }
  override async onBatchBegin(batch: number, logs?: tfl.Logs): Promise<void> {
    await this.#inner.onBatchBegin(batch, logs);
  }
  override async onBatchEnd(batch: number, logs?: tfl.Logs): Promise<void> {
    await this.#inner.onBatchEnd(batch, logs);
  }
  override async onEpochEnd(epoch: number, logs?: tfl.Logs): Promise<void> {
    if (!this.watch.cutOff) await this.#inner.onEpochEnd(epoch, logs);
  }
  override async onTrainEnd(logs?: tfl.Logs): Promise<void> {
    if (!this.watch.cutOff) await this.#inner.onTrainEnd(logs);
  }
}

/** Replaces scalar tensors in an epoch's logs with numbers, in place, and disposes of them. */
async function resolveLogs(logs: Record<string, number | tf.Tensor>): Promise<void> {
  for (const [key, value] of Object.entries(logs)) {
    if (typeof value === 'number') continue;
    logs[key] = (await value.data())[0];
    value.dispose();
  }
}

/** A clipped loss can be finite when the weights are not. */
async function hasFiniteWeights(model: tfl.LayersModel): Promise<boolean> {
  for (const weight of model.getWeights()) {
    const sum = tf.tidy(() => tf.sum(weight));
    const [value] = await sum.data();
    sum.dispose();
    if (!Number.isFinite(value)) return false;
  }
  return true;
}

function checkWhole(option: string, value: number): void {
  if (Number.isInteger(value) && value > 0) return;
  throw new UsageError({
    what: `${option} must be a whole number from 1`,
    where: `${value}`,
    remedy: 'give 1 or more',
  });
}
