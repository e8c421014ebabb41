// When snapshots are taken and nowcasts happen, for any training: it is told when an epoch or step has ended, and when the
// next one is about to begin. Which forecaster is not its business; the optimizer's state is never touched.

import { MismatchError, UsageError } from '../errors.js';
import { type Recommendation, requireRecommendation } from '../nowcaster/recommendation.js';
import { nextNowcast } from '../nowcaster/schedule.js';
import type { NoteListener } from '../progress.js';
import {
  describeCadence,
  EVERY_EPOCH,
  requireCadence,
  type SnapshotCadence,
  sameCadence,
} from '../trajectory/cadence.js';
import type { Forecaster } from './forecaster.js';
import { allFinite, applyForecast, countByKind, type Nowcast, skippedNowcast } from './nowcast.js';
import { SnapshotWindow, type WindowState } from './snapshotWindow.js';
import type { WeightAccess } from './weightAccess.js';

/** When to nowcast and how far to go. */
export interface LoopOptions {
  /**
   * Snapshots from one nowcast to the next; nowcasts follow the snapshots s with (s + 1) mod period = 0, counting from 0.
   * Windows longer than the period span the nowcasts before. Default: what the nowcaster recommends (`wnn export
   * --period`), else the window's length, 5 for the paper's networks.
   */
  period?: number;
  /**
   * First snapshot (from 0) after which a nowcast may happen. Default: what the nowcaster recommends, the first whose
   * window lies in a part of the training such as it was trained on.
   */
  startEpoch?: number;
  /**
   * Step scale: multiplier on the predicted update; 1 lands on the forecast. Above 0, at most 10. Default: what the
   * nowcaster recommends (`wnn export --step-scale`), else 1.
   */
  stepScale?: number;
  /** When snapshots are taken. Default: as the nowcaster was trained, every epoch for the paper's networks. */
  cadence?: SnapshotCadence;
  /** Called after every nowcast, also after one that was skipped or undone. May be asynchronous. */
  onNowcast?: (nowcast: Nowcast) => void | Promise<void>;
  /** Receives, once a training, why nowcasts are skipped or cannot happen. Default: `console.warn`. */
  onNote?: NoteListener;
}

/** Where a training stands between two nowcasts. Plain data: keep it with the checkpoint (`v8.serialize`). */
export interface NowcastState {
  schemaVersion: 1;
  cadence: SnapshotCadence;
  /** Names and sizes of the tracked tensors. */
  tensors: { name: string; size: number }[];
  /** Epochs or steps that have ended. */
  count: number;
  /** Snapshot whose nowcast is still to be applied; null when there is none. */
  due: number | null;
  window: WindowState;
}

/** Takes the snapshots of one training after another and nowcasts when it is time. */
export class NowcastLoop implements Recommendation {
  /** Nowcasts of the current or last training, in order. */
  history: Nowcast[] = [];
  readonly period: number;
  readonly startEpoch: number;
  readonly stepScale: number;
  readonly cadence: SnapshotCadence;
  readonly #forecaster: Forecaster;
  readonly #options: LoopOptions;
  readonly #window: SnapshotWindow;
  #weights: WeightAccess | null = null;
  /** Epochs or steps that have ended. */
  #count = 0;
  #due: number | null = null;
  #readSeconds = 0;
  #restored: NowcastState | null = null;
  readonly #noted = new Set<string>();

  /** @throws {@link UsageError} when the period, the start, the step scale or the cadence is impossible. */
  constructor(forecaster: Forecaster, options: LoopOptions = {}) {
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
    const trainedAt = forecaster.cadence ?? EVERY_EPOCH;
    this.cadence = requireCadence(options.cadence ?? trainedAt, 'cadence');
    this.#forecaster = forecaster;
    this.#options = options;
    this.#window = new SnapshotWindow(forecaster.windowLength);
    if (!sameCadence(this.cadence, trainedAt))
      this.#noteOnce(
        'cadence',
        `The nowcaster was trained on snapshots ${describeCadence(trainedAt)} and is applied to snapshots ${describeCadence(this.cadence)}`,
      );
  }

  /** Epochs or steps that have ended. */
  get count(): number {
    return this.#count;
  }

  /** Whether a restored state waits for the training that goes on from it. */
  get restoring(): boolean {
    return this.#restored !== null;
  }

  /**
   * Forgets the training before.
   *
   * @param keep keeps window and counters: the same network is trained on.
   */
  reset(keep = false): void {
    this.history = [];
    this.#noted.delete('skipped');
    if (keep) return;
    this.#weights = null;
    this.#window.forget();
    this.#due = null;
    this.#count = this.#restored?.count ?? 0;
  }

  /**
   * Gives access to the weights; once a training, before {@link end} has something to read.
   *
   * @throws {@link MismatchError} when a state was restored that is of another network.
   */
  begin(weights: WeightAccess): void {
    this.#weights = weights;
    this.#window.reset(weights.size);
    const state = this.#restored;
    if (state === null) return;
    this.#restored = null;
    this.#due = state.due;
    this.#count = state.count;
    // A training that was stopped before its first snapshot has read no tensors.
    if (state.window.slots.length === 0) return;
    const own = weights.tensors.map(({ name, size }) => `${name} ${size}`).join(', ');
    if (own !== state.tensors.map(({ name, size }) => `${name} ${size}`).join(', '))
      throw new MismatchError({
        what: 'the restored nowcasting state is of another network',
        where: `${state.tensors.length} tensors there, ${weights.tensors.length} here`,
        remedy: 'restore the state of this network, or begin without one',
      });
    this.#window.restore(state.window);
  }

  /**
   * Tells that an epoch or a step, whichever the cadence counts, has ended; takes a snapshot where one is needed.
   *
   * @param access makes the access to the weights, asked for when the first snapshot is needed.
   * @param count how many have ended, this one included. Default: one more than before.
   */
  async end(access: () => WeightAccess, count?: number): Promise<void> {
    if (this.#restored !== null) this.begin(access());
    this.#count = count ?? this.#count + 1;
    const { every } = this.cadence;
    if (this.#count % every !== 0) return;
    const snapshot = this.#count / every - 1;
    const next = nextNowcast(this, snapshot);
    if (next - snapshot >= this.#window.length) return;
    const started = performance.now();
    if (this.#weights === null) this.begin(access());
    await (this.#weights as unknown as WeightAccess).read(this.#window.slot(snapshot));
    this.#readSeconds = (performance.now() - started) / 1000;
    if (snapshot === next) this.#due = snapshot;
  }

  /**
   * Tells that the training goes on: applies the nowcast that is due, if one is.
   *
   * @param access as in {@link end}: a training that goes on from a restored state may begin with a nowcast.
   * @param epoch the epoch (from 0) that ended last, for the history; null where nobody counts epochs.
   * @param measureLoss measures the loss that a nowcast must not raise; undefined: every nowcast is kept.
   * @returns what became of it; null when none was due.
   */
  async apply(
    access: () => WeightAccess,
    epoch: number | null,
    measureLoss?: () => Promise<number>,
  ): Promise<Nowcast | null> {
    if (this.#restored !== null) this.begin(access());
    const snapshot = this.#due;
    if (snapshot === null || this.#weights === null) return null;
    this.#due = null;
    const nowcast = await this.#nowcast(snapshot, epoch, this.#weights, measureLoss);
    this.history.push(nowcast);
    await this.#options.onNowcast?.(nowcast);
    return nowcast;
  }

  /** Tells that a training has ended; says once when it was too short for a nowcast. */
  finish(): void {
    const snapshots = Math.floor(this.#count / this.cadence.every);
    const needed = Math.max(nextNowcast(this, 0), this.#window.length - 1) + 1;
    if (this.history.length > 0 || snapshots > needed) return;
    this.#noteOnce(
      'short',
      `No nowcast happened: the training ended after ${snapshots} snapshot${snapshots === 1 ? '' : 's'} (${describeCadence(this.cadence)}), the first ` +
        `nowcast follows snapshot ${needed} when training goes on; train longer, or give \`continue: true\` to carry the ` +
        'window over from one fit to the next',
    );
  }

  /** Where the training stands; restoring it in a training that goes on from the same point gives the same nowcasts. */
  state(): NowcastState {
    if (this.#restored !== null) return this.#restored;
    return {
      schemaVersion: 1,
      cadence: { ...this.cadence },
      tensors: (this.#weights?.tensors ?? []).map(({ name, size }) => ({ name, size })),
      count: this.#count,
      due: this.#due,
      window: this.#window.state(),
    };
  }

  /**
   * Goes on from a state in the next training.
   *
   * @throws {@link MismatchError} when it is none, or of another cadence.
   */
  restore(state: NowcastState): void {
    const fail = (what: string) => {
      throw new MismatchError({ what, where: 'restore', remedy: 'give what `state()` returned for this training' });
    };
    if (state?.schemaVersion !== 1 || !Number.isSafeInteger(state.count)) fail('not a nowcasting state');
    if (!sameCadence(state.cadence, this.cadence))
      fail(
        `a state of snapshots ${describeCadence(state.cadence)}, this nowcaster takes them ${describeCadence(this.cadence)}`,
      );
    if (state.window.slots.length > 0 && state.window.slots.length !== this.#window.length)
      fail(`a state of windows of ${state.window.slots.length} snapshots, this nowcaster needs ${this.#window.length}`);
    this.#restored = state;
    this.#count = state.count;
  }

  /** Frees the window and what the forecaster holds. Afterwards the loop cannot be used. */
  async dispose(): Promise<void> {
    this.#window.release();
    this.#weights = null;
    await this.#forecaster.dispose();
  }

  async #nowcast(
    snapshot: number,
    epoch: number | null,
    weights: WeightAccess,
    measureLoss: (() => Promise<number>) | undefined,
  ): Promise<Nowcast> {
    const started = performance.now();
    const seconds = () => this.#readSeconds + (performance.now() - started) / 1000;
    const scalars = countByKind(weights);
    const skipSilently = (reason: string): Nowcast =>
      skippedNowcast({ snapshot, epoch, reason, scalars, seconds: seconds() });
    const skip = (reason: string) => {
      this.#noteOnce('skipped', `Nowcast after snapshot ${snapshot} skipped: ${reason}`);
      return skipSilently(reason);
    };

    const history = this.#window.window();
    if (history === null)
      return skipSilently(`only ${this.#window.consecutive} of ${this.#window.length} snapshots recorded`);
    if (weights.size === 0) return skip('the model has no layer that can be nowcast');
    if (!history.every(allFinite)) return skip('weights are not finite (NaN or infinite)');

    const current = history[history.length - 1];
    const forecasts = history[0];
    await this.#forecaster.forecast({ tensors: weights.tensors, snapshots: history, snapshot }, forecasts);
    if (this.stepScale !== 1)
      for (let i = 0; i < forecasts.length; i++)
        forecasts[i] = current[i] + this.stepScale * (forecasts[i] - current[i]);
    if (!allFinite(forecasts)) return skip('the forecast is not finite (NaN or infinite)');
    const { guardSeconds, ...applied } = await applyForecast(weights, { current, forecasts }, measureLoss);
    return { snapshot, epoch, scalars, seconds: seconds() - guardSeconds, ...applied };
  }

  #noteOnce(topic: 'cadence' | 'skipped' | 'short', note: string): void {
    if (this.#noted.has(topic)) return;
    this.#noted.add(topic);
    (this.#options.onNote ?? console.warn)(note);
  }
}
