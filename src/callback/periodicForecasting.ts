// The nowcast loop as a callback of tfjs-layers, and for loops of one's own.

import type * as tf from '@tensorflow/tfjs-core';
import type * as tfl from '@tensorflow/tfjs-layers';
import { MismatchError } from '../errors.js';
import type { Recommendation } from '../nowcaster/recommendation.js';
import { TRAINED_KINDS, type TrainedKind } from '../nowcaster/spec.js';
import type { SnapshotCadence } from '../trajectory/cadence.js';
import { FitCallback } from './fitCallback.js';
import type { Forecaster } from './forecaster.js';
import { type GuardBatch, measureGuardLoss } from './guard.js';
import type { Nowcast } from './nowcast.js';
import { type LoopOptions, NowcastLoop, type NowcastState } from './nowcastLoop.js';
import { accessModel } from './trackedTensors.js';
import { accessVariables, type WeightAccess } from './weightAccess.js';

/** Options of {@link PeriodicForecasting}. */
export interface ForecastingOptions extends LoopOptions {
  /** Kinds of tensors to nowcast. Default: all that the nowcaster has a network for. */
  kinds?: readonly TrainedKind[];
  /** Returns whether to nowcast a layer. Default: all that hold one to three arrays and are not frozen. */
  layers?: (layer: tfl.layers.Layer) => boolean;
  /**
   * A batch (of training or validation data) on which the model's loss is measured before and after each nowcast; one
   * that raises it is shortened to a half, a quarter or an eighth of the update, and undone when that raises it too.
   * Default: none, every nowcast is kept.
   */
  guard?: GuardBatch;
  /**
   * Carries window and counters over from one fit to the next of the same model, as in
   * `for (...) await model.fit(x, y, { epochs: 1, callbacks: [nowcasting] })`. Default false: each fit starts afresh.
   */
  continue?: boolean;
}

/** A network in a loop of one's own: a tfjs-layers model, or the variables of any other, by name. */
export type TrainedNetwork = tfl.LayersModel | Readonly<Record<string, tf.Variable>>;

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
  /** Whether an epoch is between its begin and its end; null where nobody announces begins. */
  #epochOpen: boolean | null = null;
  /** The epoch that ended last, or that is open; null in loops of one's own. */
  #epoch: number | null = null;
  /** Epochs that had ended before epoch 0 of this fit; null until an epoch has said its number. */
  #base: number | null = null;
  /** Whether this fit goes on where another or a restored state ended. */
  #goesOn = false;
  #network: TrainedNetwork | null = null;

  /** @throws UsageError when the period, the start, the step scale or the cadence is impossible. */
  constructor(forecaster: Forecaster, options: ForecastingOptions = {}) {
    super();
    this.#loop = new NowcastLoop(forecaster, options);
    this.#options = options;
    this.#kinds = (options.kinds ?? TRAINED_KINDS).filter((kind) => forecaster.kinds.includes(kind));
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
  get startEpoch(): number {
    return this.#loop.startEpoch;
  }

  /** Multiplier on the predicted update. */
  get stepScale(): number {
    return this.#loop.stepScale;
  }

  /** When snapshots are taken. */
  get cadence(): SnapshotCadence {
    return this.#loop.cadence;
  }

  override async onTrainBegin(): Promise<void> {
    const same = this.#options.continue === true && this.#network === this.model;
    this.#loop.reset(same);
    this.#network = this.model;
    this.#epochOpen = null;
    this.#base = null;
    this.#goesOn = same || this.#loop.restoring;
    this.#epoch = null;
  }

  override async onEpochBegin(epoch?: number): Promise<void> {
    if (this.cadence.unit === 'epoch') await this.#apply();
    this.#epochOpen = true;
    if (epoch !== undefined) this.#epoch = epoch;
  }

  override async onBatchBegin(): Promise<void> {
    if (this.cadence.unit === 'step') await this.#apply();
  }

  override async onBatchEnd(): Promise<void> {
    if (this.cadence.unit === 'step') await this.#loop.end(this.#access);
  }

  override async onEpochEnd(epoch: number): Promise<void> {
    if (this.#epochOpen === false)
      throw new MismatchError({
        what: 'one forecasting callback in two fits at the same time',
        where: `end of epoch ${epoch}`,
        remedy: 'give each fit an instance of its own',
      });
    if (this.#epochOpen) this.#epochOpen = false;
    this.#epoch = epoch;
    if (this.cadence.unit !== 'epoch') return;
    // A fit with an initialEpoch is counted as it counts, one that goes on from the epochs that ended before it.
    this.#base ??= this.#goesOn ? this.#loop.count - epoch : 0;
    await this.#loop.end(this.#access, this.#base + epoch + 1);
  }

  override async onTrainEnd(): Promise<void> {
    if (!this.#options.continue) this.#loop.finish();
  }

  /**
   * Nowcasting in a loop of your own: call it at the end of each epoch or step, whichever the {@link cadence} counts. It
   * takes a snapshot where one is due and applies the nowcast at once, since training goes on.
   *
   * @param network a tfjs-layers model, or the variables of any other network by name; the same one each time.
   * @returns the nowcast; null when none was due.
   */
  async step(network: TrainedNetwork): Promise<Nowcast | null> {
    if (this.#network !== network) {
      if (this.#network !== null) this.#loop.reset();
      this.#network = network;
    }
    await this.#loop.end(this.#access);
    return this.#apply();
  }

  /** Where nowcasting stands: window and counters. Keep it with a checkpoint, and {@link restore} it. */
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

  readonly #access = (): WeightAccess => {
    const network = this.#network ?? this.model;
    return isModel(network)
      ? accessModel(network, { kinds: this.#kinds, layers: this.#options.layers })
      : accessVariables(network, this.#kinds);
  };

  #apply(): Promise<Nowcast | null> {
    const { guard } = this.#options;
    const network = this.#network;
    const measureLoss = guard && network && isModel(network) ? () => measureGuardLoss(network, guard) : undefined;
    return this.#loop.apply(this.#access, this.#epoch, measureLoss);
  }
}

function isModel(network: TrainedNetwork): network is tfl.LayersModel {
  return Array.isArray((network as Partial<tfl.LayersModel>).layers);
}
