// The callback's mechanics: record the weights each epoch, let a forecaster replace them once a period, keep or undo the
// result. Which forecaster is not its business; the optimizer's state is never touched.

import type * as tfl from '@tensorflow/tfjs-layers';
import { MismatchError, UsageError } from '../errors.js';
import { type Recommendation, requireRecommendation } from '../nowcaster/recommendation.js';
import { nextNowcast } from '../nowcaster/schedule.js';
import { TRAINED_KINDS, type TrainedKind } from '../nowcaster/spec.js';
import type { NoteListener } from '../progress.js';
import { FitCallback } from './fitCallback.js';
import type { Forecaster } from './forecaster.js';
import type { GuardBatch } from './guard.js';
import { allFinite, applyForecast, type Nowcast, skippedNowcast } from './nowcast.js';
import { SnapshotWindow } from './snapshotWindow.js';
import { TrackedTensors } from './trackedTensors.js';

/** When, where and how carefully to nowcast. */
export interface ForecastingOptions {
  /**
   * Epochs from one nowcast to the next; nowcasts happen at the end of epochs e with (e + 1) mod period = 0, counting
   * from 0. Windows of a shorter period than their length span the nowcasts before, whose jumps look like movement to the
   * networks. Default: what the nowcaster recommends (`wnn export --period`), else the window's length, 5 for the paper's
   * networks.
   */
  period?: number;
  /**
   * First epoch (from 0) at whose end a nowcast may happen. Default: the first whose window lies in epochs such as the
   * nowcaster was trained on (`wnn dataset --first-epoch`).
   */
  startEpoch?: number;
  /**
   * Step scale: multiplier on the predicted update; 1 lands on the forecast. Above 0, at most 10. Default: what the
   * nowcaster recommends (`wnn export --step-scale`), else 1.
   */
  stepScale?: number;
  /** Kinds of tensors to nowcast. Default: all that the nowcaster has a network for. */
  kinds?: readonly TrainedKind[];
  /** Returns whether to nowcast a layer. Default: all that hold one to three arrays and are not frozen. */
  layers?: (layer: tfl.layers.Layer) => boolean;
  /**
   * A batch (of training or validation data) on which the model's loss is measured before and after each nowcast; one
   * that raises it is shortened to a half, a quarter or an eighth of the way, and undone when that raises it too.
   * Default: none, every nowcast is kept.
   */
  guard?: GuardBatch;
  /** Called after every nowcast, also after one that was skipped or undone. May be asynchronous. */
  onNowcast?: (nowcast: Nowcast) => void | Promise<void>;
  /** Receives, once a fit, why nowcasts are being skipped. Default: `console.warn`. */
  onNote?: NoteListener;
}

/**
 * Replaces a model's weights by their forecasts once a period. Give it to `fit` or `fitDataset`; each fit starts afresh.
 * One instance serves any number of fits one after another; fits at the same time need an instance each.
 */
export class PeriodicForecasting extends FitCallback implements Recommendation {
  /** Nowcasts of the current or last fit, in order. */
  history: Nowcast[] = [];
  readonly period: number;
  readonly startEpoch: number;
  readonly stepScale: number;
  readonly #forecaster: Forecaster;
  readonly #options: ForecastingOptions;
  readonly #window: SnapshotWindow;
  #tracked: TrackedTensors | null = null;
  #noted = false;
  /** Whether an epoch is between its begin and its end; null where nobody announces begins. */
  #epochOpen: boolean | null = null;

  /** @throws {@link UsageError} when the period, the start epoch or the step scale is impossible. */
  constructor(forecaster: Forecaster, options: ForecastingOptions = {}) {
    super();
    const { recommended = {} } = forecaster;
    this.period = options.period ?? recommended.period ?? forecaster.windowLength;
    this.stepScale = options.stepScale ?? recommended.stepScale ?? 1;
    requireRecommendation(this);
    this.startEpoch = options.startEpoch ?? recommended.startEpoch ?? 0;
    if (!(Number.isInteger(this.startEpoch) && this.startEpoch >= 0))
      throw new UsageError({
        what: 'startEpoch must be a whole number of at least 0',
        where: `startEpoch ${this.startEpoch}`,
        remedy: 'give 0 or more',
      });
    this.#forecaster = forecaster;
    this.#options = options;
    this.#window = new SnapshotWindow(forecaster.windowLength);
  }

  override async onTrainBegin(): Promise<void> {
    this.history = [];
    this.#tracked = null;
    this.#noted = false;
    this.#epochOpen = null;
    this.#window.forget();
  }

  override async onEpochBegin(): Promise<void> {
    this.#epochOpen = true;
  }

  override async onEpochEnd(epoch: number): Promise<void> {
    if (this.#epochOpen === false)
      throw new MismatchError({
        what: 'one forecasting callback in two fits at the same time',
        where: `end of epoch ${epoch}`,
        remedy: 'give each fit an instance of its own',
      });
    if (this.#epochOpen) this.#epochOpen = false;
    const next = nextNowcast(this, epoch);
    if (next - epoch >= this.#window.length) return;
    const started = performance.now();
    if (this.#tracked === null) {
      const { kinds = TRAINED_KINDS, layers } = this.#options;
      const known = kinds.filter((kind) => this.#forecaster.kinds.includes(kind));
      this.#tracked = new TrackedTensors(this.model, { kinds: known, layers });
      this.#window.reset(this.#tracked.size);
    }
    await this.#tracked.read(this.#window.slot(epoch));
    if (epoch !== next) return;
    const nowcast = await this.#nowcast(epoch, this.#tracked, started);
    this.history.push(nowcast);
    await this.#options.onNowcast?.(nowcast);
  }

  /** Frees the window and what the forecaster holds. Not needed between fits; afterwards it cannot be used. */
  async dispose(): Promise<void> {
    this.#window.release();
    this.#tracked = null;
    await this.#forecaster.dispose();
  }

  async #nowcast(epoch: number, tracked: TrackedTensors, started: number): Promise<Nowcast> {
    const scalars = {} as Nowcast['scalars'];
    for (const kind of TRAINED_KINDS) scalars[kind] = tracked.countOf(kind);
    const skipSilently = (reason: string): Nowcast => {
      const seconds = (performance.now() - started) / 1000;
      return skippedNowcast({ epoch, reason, scalars, seconds });
    };
    const skip = (reason: string) => {
      this.#noteOnce(`Nowcast at the end of epoch ${epoch} skipped: ${reason}`);
      return skipSilently(reason);
    };

    const history = this.#window.window();
    if (history === null)
      return skipSilently(`only ${this.#window.consecutive} of ${this.#window.length} epochs recorded`);
    if (tracked.size === 0) return skip('the model has no layer that can be nowcast');
    if (!history.every(allFinite)) return skip('weights are not finite (NaN or infinite)');

    const current = history[history.length - 1];
    const forecasts = history[0];
    await this.#forecaster.forecast({ tensors: tracked.tensors, snapshots: history, epoch }, forecasts);
    if (this.stepScale !== 1)
      for (let i = 0; i < forecasts.length; i++)
        forecasts[i] = current[i] + this.stepScale * (forecasts[i] - current[i]);
    if (!allFinite(forecasts)) return skip('the forecast is not finite (NaN or infinite)');

    const { guardSeconds, ...applied } = await applyForecast(
      this.model,
      tracked,
      { current, forecasts },
      this.#options.guard,
    );
    const seconds = (performance.now() - started) / 1000 - guardSeconds;
    return { epoch, scalars, seconds, ...applied };
  }

  #noteOnce(note: string): void {
    if (this.#noted) return;
    this.#noted = true;
    (this.#options.onNote ?? console.warn)(note);
  }
}
