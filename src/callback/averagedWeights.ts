// Averages of a network's weights beside its training: a callback for `fit`, and for loops of one's own. Training itself is never
// touched: the averages are looked at, or taken at the end.

import * as tf from '@tensorflow/tfjs-core';
import type * as tfl from '@tensorflow/tfjs-layers';
import { MismatchError, UsageError } from '../errors.js';
import { either, listOf, NUMBER, needed, OBJECT, requireOptions } from '../optionTypes.js';
import type { NetworkWeights, WeightAverage } from './averages/average.js';
import { type Averaging, createAverage, findAveraging, printAveraging } from './averages/index.js';
import {
  AVERAGED_WEIGHTS_OPTIONS,
  type AveragedWeightsOptions,
  type AveragedWeightsState,
} from './averages/options.js';
import { estimateBatchNorm } from './batchNormStatistics.js';
import { FitCallback } from './fitCallback.js';
import {
  isModel,
  isSameNetwork,
  requireNetwork,
  type TrainedNetwork,
  weightsOf,
  writeWeights,
} from './trainedNetwork.js';

/**
 * Averages a network's weights while it trains. Evaluate with the averages, which is what they are for, and train on with the
 * trained weights:
 *
 * ```js
 * const averaged = new AveragedWeights({ average: 'ema', decay: 0.99, validation: { x: xVal, y: yVal } });
 * await model.fit(x, y, { epochs: 50, callbacks: [await WeightForecasting.load(), averaged] });
 * const result = await averaged.withAverage(() => model.evaluate(xTest, yTest));
 * ```
 *
 * A nowcast moves the averages as any step does: they follow within about 1 / (1 - decay) steps, or k epochs. They also remember the
 * steps of a nowcast that the watch reverted, `swa` for the rest of the training.
 *
 * `fit` of tfjs-layers has no hook at its validation, so that its own `val_` metrics are those of the trained weights; `validation`
 * measures the averages. One instance serves any number of fits one after another.
 */
export class AveragedWeights extends FitCallback {
  readonly #averaging: Averaging;
  readonly #options: AveragedWeightsOptions;
  readonly #average: WeightAverage;
  #network: TrainedNetwork | null = null;
  /** Whether a step has ended since the last epoch did. */
  #open = false;
  /** Epochs that have ended. */
  #epochs = 0;
  /** What is added to the epochs that a fit counts; null before its first has ended. */
  #base: number | null = null;
  /** The trained weights while the averages are in the network. */
  #trained: tf.Tensor[] | null = null;
  /** Whether a state was restored that no training has gone on from. */
  #restored = false;
  /** Whether the average may be of another network than the weights. */
  #unchecked = false;

  /** @throws {@link UsageError} for an unknown average or an impossible number. */
  constructor(options: AveragedWeightsOptions = {}) {
    super();
    requireOptions('AveragedWeights', options, AVERAGED_WEIGHTS_OPTIONS);
    if (options.validation !== undefined)
      requireOptions('validation', options.validation, {
        x: needed(either(OBJECT, listOf(OBJECT))),
        y: needed(either(OBJECT, listOf(OBJECT))),
        batchSize: NUMBER,
      });
    const { average = 'ema', epochs } = options;
    const { definition } = findAveraging(average);
    const number = (options as Record<string, unknown>)[definition.parameter.name] as number | undefined;
    this.#averaging = findAveraging(average, number);
    if (epochs !== undefined && !(Number.isInteger(epochs) && epochs > 0))
      throw new UsageError({ what: 'not a number of epochs', where: `epochs ${epochs}`, remedy: 'give 1 or more' });
    this.#options = options;
    this.#average = createAverage(this.#averaging);
  }

  override async onTrainBegin(): Promise<void> {
    const goesOn = this.#restored || (this.#options.continue === true && this.#network === this.model);
    if (!goesOn) this.#reset();
    this.#base = goesOn ? null : 0;
    this.#restored = false;
    this.#network = this.model;
  }

  override async onBatchEnd(): Promise<void> {
    this.#step();
  }

  override async onEpochEnd(epoch: number, logs?: tfl.Logs): Promise<void> {
    // Epochs of a fit that goes on in the middle are counted as it counts them, those of a continued one from the last.
    this.#base ??= this.#epochs - epoch;
    this.#endEpoch(this.#base + epoch);
    const { validation } = this.#options;
    if (validation === undefined || this.value() === null) return;
    const { x, y, batchSize } = validation;
    const results = await this.withAverage(async () => {
      const scalars = [this.model.evaluate(x, y, { batchSize, verbose: 0 })].flat();
      const values = await Promise.all(scalars.map((scalar) => scalar.data()));
      tf.dispose(scalars);
      return values.map(([value]) => value);
    });
    for (const [i, value] of results.entries()) {
      if (logs !== undefined) logs[`averaged_val_${this.model.metricsNames[i]}`] = value;
    }
  }

  override async onTrainEnd(): Promise<void> {
    if (!this.#options.leaveInModel || !(await this.apply())) return;
    tf.dispose(this.#trained ?? []);
    this.#trained = null;
  }

  /**
   * In a loop of your own: call it after each step of the optimizer.
   *
   * @param network a tfjs-layers model, or the variables of any other network by name; the same one each time.
   */
  step(network: TrainedNetwork): void {
    requireNetwork(network, 'step');
    if (!isSameNetwork(this.#network, network)) {
      if (this.#network !== null) this.#reset();
      this.#network = network;
    }
    this.#restored = false;
    this.#step();
  }

  /** In a loop of your own: call it when an epoch has ended, after its last {@link step}. `ema` does without. */
  endEpoch(): void {
    this.#endEpoch(this.#epochs);
  }

  /** The averages in the order of `model.getWeights()`; null while there are none. They belong to the callback. */
  value(): NetworkWeights | null {
    return this.#average.value();
  }

  /**
   * Runs a function, e.g. an evaluation or a save, while the averages are in the network; the trained weights are put back bit for
   * bit, also when it fails. While there is no average, it runs with the trained weights.
   */
  async withAverage<T>(run: () => T | Promise<T>): Promise<T> {
    await this.apply();
    try {
      return await run();
    } finally {
      this.revert();
    }
  }

  /**
   * Puts the averages into the network, until {@link revert}. Training must not go on before.
   *
   * @returns false while there are none.
   */
  async apply(): Promise<boolean> {
    const average = this.value();
    const network = this.#network;
    if (average === null || network === null) return false;
    if (this.#trained !== null) return true;
    this.#trained = weightsOf(network).map((weight) => tf.keep(tf.clone(weight)));
    writeWeights(network, average);
    const { statistics } = this.#options;
    if (statistics !== undefined && isModel(network)) await estimateBatchNorm(network, statistics());
    return true;
  }

  /** Puts the trained weights back, after {@link apply}. */
  revert(): void {
    if (this.#trained === null) return;
    writeWeights(this.#network as TrainedNetwork, this.#trained);
    tf.dispose(this.#trained);
    this.#trained = null;
  }

  /** Where averaging stands. Keep it with a checkpoint, and {@link restore} it. */
  async state(): Promise<AveragedWeightsState> {
    const { count, kept } = this.#average.state();
    const read = (weights: NetworkWeights) =>
      Promise.all(weights.map(async (weight) => Float32Array.from(await weight.data())));
    return {
      schemaVersion: 1,
      averaging: printAveraging(this.#averaging),
      shapes: (kept[0] ?? []).map(({ shape }) => [...shape]),
      epochs: this.#epochs,
      average: { count, kept: await Promise.all(kept.map(read)) },
    };
  }

  /**
   * Goes on from a state: before the `fit` with the `initialEpoch` that follows, or before the next {@link step}.
   *
   * @throws {@link MismatchError} when it is none, or of another average; from the training, when it is of another network.
   */
  restore(state: AveragedWeightsState): void {
    const own = printAveraging(this.#averaging);
    if (state?.schemaVersion !== 1 || state.averaging !== own)
      throw new MismatchError({
        what: `not a state of ${own}`,
        where: `${state?.averaging}`,
        remedy: 'give what `state()` returned for this training',
      });
    if (!state.average.kept.flat().every((values) => ArrayBuffer.isView(values)))
      throw new MismatchError({
        what: 'a state whose arrays are no typed arrays any more, as JSON makes them',
        where: own,
        remedy: 'keep it with `v8.serialize`',
      });
    this.#reset();
    const { shapes, average } = state;
    const make = (values: readonly Float32Array[]) =>
      values.map((array, i) => tf.keep(tf.tensor(array.slice(), shapes[i], 'float32')));
    this.#average.restore({ count: average.count, kept: average.kept.map(make) });
    this.#epochs = state.epochs;
    this.#network = null;
    this.#restored = true;
    this.#unchecked = true;
  }

  /** Frees the averages. Afterwards the next training starts afresh. */
  dispose(): void {
    this.#reset();
    this.#network = null;
  }

  #reset(): void {
    this.revert();
    this.#average.dispose();
    this.#open = false;
    this.#epochs = 0;
    this.#restored = false;
  }

  #step(): void {
    this.#open = true;
    if (this.#trained !== null)
      throw new MismatchError({
        what: 'a step was trained on the averages',
        where: this.constructor.name,
        remedy: 'call revert() before training goes on, or use withAverage()',
      });
    if (this.#average.step) this.#average.step(this.#weights());
  }

  /** Once an epoch, however often it is told. */
  #endEpoch(epoch: number): void {
    if (!this.#open) return;
    this.#open = false;
    this.#epochs = epoch + 1;
    if (this.#average.endEpoch === undefined) return;
    const { epochs, continue: goesOn } = this.#options;
    const ofFit = goesOn ? undefined : (this.params?.epochs as number | undefined);
    this.#average.endEpoch(this.#weights(), epoch, epochs ?? ofFit ?? null);
  }

  #weights(): NetworkWeights {
    const weights = weightsOf(this.#network as TrainedNetwork);
    const average = this.#unchecked ? this.value() : null;
    this.#unchecked = false;
    const shapes = (list: NetworkWeights) => list.map(({ shape }) => `[${shape}]`).join(' ');
    if (average === null || shapes(average) === shapes(weights)) return weights;
    throw new MismatchError({
      what: 'the restored averages are of another network',
      where: `${average.length} weights there, ${weights.length} here`,
      remedy: 'restore the state of this network, or begin without one',
    });
  }
}
