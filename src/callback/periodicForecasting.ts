// The nowcast loop as a callback of tfjs-layers, and for loops of one's own.

import type * as tf from '@tensorflow/tfjs-core';
import type * as tfl from '@tensorflow/tfjs-layers';
import { MismatchError, UsageError } from '../errors.js';
import type { Recommendation } from '../nowcaster/recommendation.js';
import type { TrainedKind } from '../nowcaster/spec.js';
import {
  either,
  FLAG,
  FUNCTION,
  listOf,
  OBJECT,
  type OptionTypes,
  objectOf,
  requireOptions,
  showValue,
  TEXT,
} from '../optionTypes.js';
import { describeCadence, type SnapshotCadence } from '../trajectory/cadence.js';
import { FitCallback } from './fitCallback.js';
import type { Forecaster } from './forecaster.js';
import { LOOP_OPTIONS, type LoopOptions } from './loopOptions.js';
import type { Nowcast } from './nowcast.js';
import { NowcastLoop, type WatchedTraining } from './nowcastLoop.js';
import type { NowcastState } from './nowcastState.js';
import { type Recalibration, recalibrate, requireRecalibration } from './recalibration.js';
import { accessModel } from './trackedTensors.js';
import { isModel, isSameNetwork, requireNetwork, type TrainedNetwork } from './trainedNetwork.js';
import { readTrainingPoint, returnToPoint } from './trainingPoint.js';
import { accessVariables } from './weightAccess.js';

/** Options of {@link PeriodicForecasting}. */
export interface ForecastingOptions extends LoopOptions {
  /** Kinds of tensors to nowcast. Default: all that the nowcaster has a network for. */
  kinds?: readonly TrainedKind[];
  /** Returns whether to nowcast a layer. Default: all that hold one to three arrays and are not frozen. */
  layers?: (layer: tfl.layers.Layer) => boolean;
  /**
   * Estimates the moving statistics of batch-norm anew after each nowcast, from training batches in training mode; for
   * models of tfjs-layers. `n` batches, default 8. Default: they follow as training goes on.
   */
  recalibrate?: Recalibration;
  /**
   * Whether filters that stand directly before batch-norm (with no activation between) keep their norms, since only their
   * direction matters. In a loop of one's own with variables: their names, filters being counted by the last axis. Default
   * false.
   */
  keepNorm?: boolean | readonly string[];
  /**
   * Carries window and counters over from one fit to the next of the same model, as in
   * `for (...) await model.fit(x, y, { epochs: 1, callbacks: [nowcasting] })`. Default false: each fit starts afresh.
   */
  continue?: boolean;
}

/** The types of {@link ForecastingOptions}. */
export const FORECASTING_OPTIONS: OptionTypes<ForecastingOptions> = {
  ...LOOP_OPTIONS,
  kinds: listOf(TEXT),
  layers: FUNCTION,
  recalibrate: objectOf('batches', 'n'),
  keepNorm: either(FLAG, listOf(TEXT)),
  continue: FLAG,
};

/** A training loss: a number, or a scalar that stays the caller's. */
export type TrainingLoss = number | tf.Scalar;

/** What fit says of itself; all of it may be missing or null. */
type Params = Partial<Record<'epochs' | 'initialEpoch' | 'samples' | 'batchSize' | 'steps', number>>;

/** Options of a call of {@link PeriodicForecasting.step}. */
export interface StepOptions {
  optimizer?: tf.Optimizer;
}

/**
 * Replaces a network's weights by their forecasts once a period. Give it to `fit` or `fitDataset`, or call {@link step}
 * in a loop of your own.
 *
 * In `fit` a nowcast is due at the end of an epoch (or step) and applied when the next one begins: the metrics of an epoch
 * and the weights that other callbacks see at its end belong together, and no nowcast happens where no training follows.
 * One instance serves any number of fits one after another; fits at the same time need an instance each.
 */
export class PeriodicForecasting extends FitCallback implements Recommendation {
  readonly #loop: NowcastLoop;
  readonly #options: ForecastingOptions;
  readonly #kinds: readonly TrainedKind[];
  readonly #recalibration: Required<Recalibration> | null;
  /** Whether an epoch is between its begin and its end; null where nobody announces begins. */
  #epochOpen: boolean | null = null;
  /** Epochs or steps that had ended when the open epoch began. */
  #epochBegan = 0;
  /** The epoch that ended last, or that is open; null in loops of one's own. */
  #epoch: number | null = null;
  /** Epochs that had ended before epoch 0 of this fit; null until an epoch has said its number. */
  #base: number | null = null;
  /** Whether this fit goes on where another or a restored state ended. */
  #goesOn = false;
  #network: TrainedNetwork | null = null;
  /** That of a loop of one's own, when given. */
  #optimizer: tf.Optimizer | null = null;

  /** @throws UsageError for an option that does not exist, and an impossible period, start, step scale or cadence. */
  constructor(forecaster: Forecaster, options: ForecastingOptions = {}) {
    super();
    requireOptions('PeriodicForecasting', options, FORECASTING_OPTIONS);
    this.#loop = new NowcastLoop(forecaster, options);
    this.#options = options;
    this.#recalibration = options.recalibrate ? requireRecalibration(options.recalibrate) : null;
    this.#kinds = requireKinds(options.kinds ?? forecaster.defaultKinds ?? forecaster.kinds, forecaster);
  }

  /** Nowcasts of the current or last training, in order. */
  get history(): Nowcast[] {
    return this.#loop.history;
  }

  /** Snapshots from one nowcast to the next. */
  get period(): number {
    return this.#loop.period;
  }

  /** First snapshot (from 0) after which a nowcast may happen. */
  get start(): number {
    return this.#loop.start;
  }

  /** Multiplier on the predicted update. */
  get stepScale(): number {
    return this.#loop.stepScale;
  }

  /** When snapshots are taken; of a number of snapshots over the training, from its begin on. */
  get cadence(): SnapshotCadence {
    return this.#loop.cadence;
  }

  override async onTrainBegin(): Promise<void> {
    const same = this.#options.continue === true && this.#network === this.model;
    this.#loop.reset(same);
    this.#network = this.model;
    this.#optimizer = null;
    this.#epochOpen = null;
    this.#base = null;
    this.#goesOn = same || this.#loop.restoring;
    this.#epoch = null;
    this.#setLength((this.params as Params)?.initialEpoch ?? 0);
    this.#loop.requireCadence();
    // A state of another network is to be refused before anything is trained.
    if (this.#loop.restoring) this.#loop.begin(this.#training.access());
  }

  override async onEpochBegin(epoch?: number): Promise<void> {
    // The parameters of fitDataset do not have its initialEpoch.
    if (this.#epoch === null && epoch !== undefined) this.#setLength(epoch);
    if (this.cadence.unit === 'epoch') await this.#apply();
    this.#epochOpen = true;
    this.#epochBegan = this.#loop.count;
    if (epoch !== undefined) this.#epoch = epoch;
  }

  override async onBatchBegin(): Promise<void> {
    if (this.cadence.unit === 'step') await this.#apply();
  }

  override async onBatchEnd(_batch?: number, logs?: tfl.Logs): Promise<void> {
    if (this.cadence.unit === 'step') await this.#loop.end(this.#training, await this.#read(logs?.loss));
  }

  override async onEpochEnd(epoch: number, logs?: tfl.Logs): Promise<void> {
    if (this.#epochOpen === false)
      throw new MismatchError({
        what: 'one forecasting callback in two fits at the same time',
        where: `end of epoch ${epoch}`,
        remedy: 'give each fit an instance of its own',
      });
    if (this.#epochOpen) this.#epochOpen = false;
    this.#epoch = epoch;
    if (this.cadence.unit === 'step') {
      this.#learnLength(epoch);
      return;
    }
    // A fit with an initialEpoch is counted as it counts, one that goes on from the epochs that ended before it.
    this.#base ??= this.#goesOn ? this.#loop.count - epoch : 0;
    await this.#loop.end(this.#training, await this.#read(logs?.loss), this.#base + epoch + 1);
  }

  override async onTrainEnd(): Promise<void> {
    if (!this.#options.continue) this.#loop.finish();
  }

  /**
   * Nowcasting in a loop of your own: call it at the end of each epoch or step, whichever the {@link cadence} counts. It
   * takes a snapshot where one is due and applies the nowcast at once, since training goes on.
   *
   * @param network a tfjs-layers model, or the variables of any other network by name; the same one each time.
   * @param loss the training loss of that epoch or step, which the watch needs; without it there is no watch.
   * @param options `optimizer`: whose state is rolled back with the weights. Default: that of a compiled model.
   * @returns the nowcast that happened or was reverted; null when neither.
   */
  async step(network: TrainedNetwork, loss?: TrainingLoss, options: StepOptions = {}): Promise<Nowcast | null> {
    requireNetwork(network, 'step');
    requireLoss(loss);
    requireOptions('step', options, { optimizer: OBJECT });
    if (!isSameNetwork(this.#network, network)) {
      if (this.#network !== null) this.#loop.reset();
      this.#network = network;
    }
    this.#optimizer = options.optimizer ?? null;
    if (loss === undefined) this.#loop.noteNoLoss();
    await this.#loop.end(this.#training, await this.#read(loss));
    return this.#apply();
  }

  /** Where nowcasting stands: window, counters, watch, and what a rollback needs. Keep it with a checkpoint, and {@link restore} it. */
  state(): NowcastState {
    return this.#loop.state();
  }

  /**
   * Goes on from a state: before the `fit` with the `initialEpoch` that follows, or before the next {@link step}.
   *
   * @throws MismatchError when it is none, or of another cadence; from the training, when it is of another network.
   */
  restore(state: NowcastState): void {
    this.#loop.restore(state);
  }

  /** Frees the window and what the forecaster holds. Not needed between fits; afterwards it cannot be used. */
  async dispose(): Promise<void> {
    this.#network = null;
    await this.#loop.dispose();
  }

  readonly #training: WatchedTraining = {
    access: () => {
      const network = this.#trained;
      const { layers, keepNorm } = this.#options;
      const names = typeof keepNorm === 'object' ? keepNorm : [];
      return isModel(network)
        ? accessModel(network, { kinds: this.#kinds, layers, keepNorm: keepNorm === true })
        : accessVariables(network, this.#kinds, names);
    },
    readPoint: () => readTrainingPoint(this.#trained, this.#usedOptimizer),
    returnTo: (point) => returnToPoint(point, this.#trained, this.#usedOptimizer),
    adapt: async () => {
      const network = this.#trained;
      if (this.#recalibration && isModel(network)) await recalibrate(network, this.#recalibration);
    },
  };

  get #trained(): TrainedNetwork {
    return this.#network ?? this.model;
  }

  get #usedOptimizer(): tf.Optimizer | null {
    const network = this.#trained;
    return this.#optimizer ?? (isModel(network) ? (network.optimizer ?? null) : null);
  }

  #apply(): Promise<Nowcast | null> {
    return this.#loop.apply(this.#training, this.#epoch);
  }

  /** Reads a loss, where somebody wants to know it: a tensor on a device has to be waited for. */
  async #read(loss: TrainingLoss | undefined): Promise<number | null> {
    if (loss === undefined || !this.#loop.watches) return null;
    return typeof loss === 'number' ? loss : (await loss.data())[0];
  }

  /** Learns from the first epoch of a dataset of unknown size how long the training is. */
  #learnLength(epoch: number): void {
    const { epochs } = (this.params ?? {}) as Params;
    if (this.#loop.length !== null || this.#options.continue || typeof epochs !== 'number') return;
    this.#loop.length = this.#loop.count + (epochs - epoch - 1) * (this.#loop.count - this.#epochBegan);
  }

  /** Takes the length of the training from the parameters of the fit, where they say it. */
  #setLength(firstEpoch: number): void {
    const { epochs, samples, batchSize, steps } = (this.params ?? {}) as Params;
    if (this.#options.length !== undefined || this.#options.continue || typeof epochs !== 'number') return;
    const left = epochs - firstEpoch;
    const batches = steps ?? (samples && batchSize ? Math.ceil(samples / batchSize) : null);
    const { unit } = this.cadence;
    if (unit === 'epoch') this.#loop.length = this.#goesOn ? this.#loop.count + left : epochs;
    else this.#loop.length = batches === null ? null : this.#loop.count + left * batches;
    if (this.#loop.length === null || this.#loop.length >= this.cadence.every) return;
    throw new UsageError({
      what: `the training ends before its first snapshot: it has ${this.#loop.length} ${unit}${this.#loop.length === 1 ? '' : 's'}`,
      where: `cadence ${describeCadence(this.cadence)}`,
      remedy: `train longer, or give a shorter cadence, e.g. { unit: 'step', every: 1 }`,
    });
  }
}

/** Refuses what is no loss. @throws {@link UsageError} */
function requireLoss(loss: unknown): void {
  const isScalar = typeof (loss as Partial<tf.Scalar> | null)?.data === 'function';
  if (loss === undefined || typeof loss === 'number' || isScalar) return;
  throw new UsageError({
    what: 'the second argument of step is the training loss, a number or a scalar',
    where: showValue(loss),
    remedy: 'call step(network, loss, { optimizer })',
  });
}

/** Refuses kinds that a forecaster cannot forecast. @throws {@link MismatchError} */
function requireKinds(kinds: readonly TrainedKind[], forecaster: Forecaster): readonly TrainedKind[] {
  const unable = kinds.filter((kind) => !forecaster.kinds.includes(kind));
  if (unable.length === 0) return kinds;
  throw new MismatchError({
    what: `no forecasts of ${unable.join(', ')}`,
    where: `kinds: ${kinds.join(', ')}`,
    remedy: `give some of ${forecaster.kinds.join(', ')}`,
  });
}
