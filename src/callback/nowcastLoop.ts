// When snapshots are taken and nowcasts happen, for any training: it is told when an epoch or step has ended, and when the
// next one is about to begin. Which forecaster is not its business.

import { UsageError } from '../errors.js';
import { nextNowcast } from '../nowcaster/schedule.js';
import { quantity } from '../quantity.js';
import { describeCadence, EVERY_EPOCH, type SnapshotCadence, sameCadence } from '../trajectory/cadence.js';
import type { Forecaster } from './forecaster.js';
import { isSnapshotCount, type LoopOptions, type LoopSettings, settleOptions } from './loopOptions.js';
import { countByKind, forecastWeights, type Nowcast, type Probation, skippedNowcast } from './nowcast.js';
import { type NowcastState, requireSameTensors, requireState } from './nowcastState.js';
import { ProbationKeeper } from './probation.js';
import { SnapshotWindow } from './snapshotWindow.js';
import { decayFactor } from './stepScale.js';
import type { TrainingPoint } from './trainingPoint.js';
import type { WeightAccess } from './weightAccess.js';

/** The training that nowcasts happen in. */
export interface WatchedTraining {
  /** Makes the access to the weights, asked for when the first snapshot is needed. */
  access(): WeightAccess;
  /** Reads all that a rollback needs. */
  readPoint(): Promise<TrainingPoint>;
  /** Goes back. */
  returnTo(point: TrainingPoint): Promise<void>;
  /** Adapts what depends on the weights that a nowcast has just replaced. */
  adapt(): Promise<void>;
}

/** What is said once in a training. */
type Topic = 'cadence' | 'count' | 'skipped' | 'short' | 'none' | 'optimizer' | 'length' | 'loss' | 'unknown';

/** Takes the snapshots of one training after another and nowcasts when it is time. */
export class NowcastLoop {
  /** Nowcasts of the current or last training, in order. */
  history: Nowcast[] = [];
  readonly #settings: LoopSettings;
  readonly #forecaster: Forecaster;
  readonly #options: LoopOptions;
  readonly #window: SnapshotWindow;
  #keeper: ProbationKeeper;
  #length: number | null = null;
  /** Null for a number of snapshots over a training whose length is not known yet. */
  #cadence: SnapshotCadence | null = null;
  #weights: WeightAccess | null = null;
  /** Epochs or steps that have ended. */
  #count = 0;
  #due: number | null = null;
  #readSeconds = 0;
  #restored: NowcastState | null = null;
  readonly #noted = new Set<string>();

  /** @throws UsageError when the period, the start, the step scale, the watch or the cadence is impossible. */
  constructor(forecaster: Forecaster, options: LoopOptions = {}) {
    this.#settings = settleOptions(forecaster, options);
    this.#forecaster = forecaster;
    this.#options = options;
    this.#window = new SnapshotWindow(forecaster.windowLength, forecaster.averaged);
    this.#length = this.#settings.length;
    this.#keeper = this.#newKeeper();
    this.#settleCadence();
    if (!isSnapshotCount(this.#settings.cadence)) this.#noteCadence();
  }

  get period(): number {
    return this.#settings.period;
  }

  get start(): number {
    return this.#settings.start;
  }

  /** When snapshots are taken. Every step, where the length of the training has to say it and is not known yet. */
  get cadence(): SnapshotCadence {
    return this.#cadence ?? { unit: 'step', every: 1 };
  }

  /** Epochs or steps of the whole training; null where nobody knows. */
  get length(): number | null {
    return this.#length;
  }

  set length(length: number | null) {
    this.#length = length;
    // What a fit says first may not know its first epoch.
    if (this.#count === 0) this.#settleCadence();
  }

  /** The current step scale, before its decay. */
  get stepScale(): number {
    return this.#keeper.watch?.stepScale ?? this.#settings.stepScale.start;
  }

  /** Epochs or steps that have ended. */
  get count(): number {
    return this.#count;
  }

  /** Whether there is a watch, which wants to know losses. */
  get watches(): boolean {
    return this.#settings.budget !== null;
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
    this.#noted.delete('skipped');
    if (keep) return;
    this.history = [];
    this.#weights = null;
    this.#window.forget();
    this.#due = null;
    this.#count = this.#restored?.count ?? 0;
    this.#length = this.#settings.length;
    this.#cadence = null;
    this.#settleCadence();
    this.#keeper = this.#newKeeper();
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
    requireSameTensors(state, weights.tensors);
    this.#restored = null;
    this.#due = state.due;
    this.#count = state.count;
    this.length ??= state.length;
    this.history = structuredClone(state.history);
    this.#keeper.restore(state);
    this.#window.restore(state.window);
  }

  /**
   * Tells that an epoch or a step, whichever the cadence counts, has ended; takes a snapshot where one is needed.
   *
   * @param loss its training loss; null where it is not known.
   * @param count how many have ended, this one included. Default: one more than before.
   */
  async end(training: WatchedTraining, loss: number | null, count?: number): Promise<void> {
    if (this.#restored !== null) this.begin(training.access());
    this.requireCadence();
    this.#noteCadence();
    this.#count = count ?? this.#count + 1;
    this.#keeper.add(loss);
    const { every } = this.cadence;
    if (this.#count % every !== 0) return;
    const snapshot = this.#count / every - 1;
    this.#keeper.observe(snapshot, this.history);
    const next = this.#nextNowcast(Math.max(snapshot, this.#keeper.watch?.notBefore ?? 0));
    if (this.#keeper.backTo !== null || next - snapshot >= this.#window.length) return;
    const started = performance.now();
    const weights = this.#weights ?? training.access();
    if (this.#weights === null) this.begin(weights);
    await this.#window.record(snapshot, (target) => weights.read(target));
    this.#readSeconds = (performance.now() - started) / 1000;
    if (snapshot === next) this.#due = snapshot;
  }

  /**
   * Tells that the training goes on: rolls back where the watch says so, and applies the nowcast that is due.
   *
   * @param training as in {@link end}: one that goes on from a restored state may begin with a nowcast.
   * @param epoch the epoch (from 0) that ended last, for the history; null where nobody counts epochs.
   * @returns the nowcast that was due, or reverted; null when neither.
   */
  async apply(training: WatchedTraining, epoch: number | null): Promise<Nowcast | null> {
    if (this.#restored !== null) this.begin(training.access());
    const point = this.#keeper.backTo;
    if (point !== null) return this.#revert(training, point);
    const snapshot = this.#due;
    if (snapshot === null || this.#weights === null) return null;
    this.#due = null;
    const nowcast = await this.#nowcast(snapshot, epoch, training, this.#weights);
    this.history.push(nowcast);
    await this.#options.onNowcast?.(nowcast);
    return nowcast;
  }

  /** Refuses a training whose length would have to say when snapshots are taken, and is not known. @throws {@link UsageError} */
  requireCadence(): void {
    if (this.#forecaster.needsLength && this.length === null)
      throw new UsageError({
        what: 'horizons for parts of the training, whose length is not known',
        where: 'horizon',
        remedy: `give \`length\` in ${this.cadence.unit}s, or one horizon`,
      });
    if (this.#cadence !== null) return;
    throw new UsageError({
      what: 'how many steps the training has is not known',
      where: `cadence ${JSON.stringify(this.#settings.cadence)}`,
      remedy: "give `length` in steps, or a cadence, e.g. { unit: 'step', every: 20 }",
    });
  }

  /** Tells that nobody gives losses, and says once what that means. */
  noteNoLoss(): void {
    if (this.watches)
      this.#noteOnce('loss', 'No loss is given to `step`, so that every nowcast is kept: give it, or `watch: false`');
  }

  /** Tells that a training has ended; says once when it was too short for a nowcast. */
  finish(): void {
    const snapshots = Math.floor(this.#count / this.cadence.every);
    const needed = Math.max(this.#nextNowcast(0), this.#window.length - 1) + 1;
    if (this.history.some(({ outcome }) => outcome !== 'skipped')) return;
    const [skipped] = this.history;
    if (skipped !== undefined) {
      this.#noteOnce(
        'none',
        `No nowcast happened in ${snapshots} snapshots (${describeCadence(this.cadence)}): ${skipped.reason}`,
      );
      return;
    }
    if (snapshots > needed) return;
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
      schemaVersion: 2,
      cadence: { ...this.cadence },
      tensors: (this.#weights?.tensors ?? []).map(({ name, size }) => ({ name, size })),
      count: this.#count,
      length: this.length,
      due: this.#due,
      window: this.#window.state(),
      history: structuredClone(this.history),
      ...this.#keeper.state(),
    };
  }

  /**
   * Goes on from a state in the next training.
   *
   * @throws {@link MismatchError} when it is none, of another cadence, or with a watch where there is none.
   */
  restore(state: NowcastState): void {
    requireState(state, { cadence: this.#cadence ?? state.cadence, slots: this.#window.slots, watch: this.watches });
    this.#restored = state;
    this.#count = state.count;
    this.#settleCadence();
  }

  /** Frees the window and what the forecaster holds. Afterwards the loop cannot be used. */
  async dispose(): Promise<void> {
    this.#window.release();
    this.#weights = null;
    this.#keeper = this.#newKeeper();
    await this.#forecaster.dispose();
  }

  /** Decides when snapshots are taken, as far as that can be known. */
  #settleCadence(): void {
    const { cadence } = this.#settings;
    if (!isSnapshotCount(cadence)) this.#cadence = cadence;
    // The window that was restored has snapshots as they were taken.
    else if (this.#restored !== null) this.#cadence = this.#restored.cadence;
    else if (this.#length !== null) {
      this.#cadence = { unit: 'step', every: Math.max(1, Math.floor(this.#length / cadence.snapshots)) };
      if (this.#length < cadence.snapshots)
        this.#noteOnce(
          'count',
          `A training of ${quantity(this.#length, 'step')} has no ${cadence.snapshots} snapshots: one is taken at each step`,
        );
    }
  }

  #noteCadence(): void {
    const { cadence: trainedAt = EVERY_EPOCH, trained = true } = this.#forecaster;
    if (!trained || sameCadence(this.cadence, trainedAt)) return;
    this.#noteOnce(
      'cadence',
      `The nowcaster was trained on snapshots ${describeCadence(trainedAt)} and is applied to snapshots ${describeCadence(this.cadence)}`,
    );
  }

  #newKeeper(): ProbationKeeper {
    const { period, stepScale, budget } = this.#settings;
    return new ProbationKeeper(budget === null ? null : { period, budget, stepScale });
  }

  #nextNowcast(snapshot: number): number {
    return nextNowcast(this.#settings, snapshot);
  }

  async #revert(training: WatchedTraining, point: TrainingPoint): Promise<Nowcast | null> {
    const started = performance.now();
    await training.returnTo(point);
    // The trajectory goes on from there, behind a gap.
    this.#window.forget();
    this.#due = null;
    if (point.optimizer === null)
      this.#noteOnce(
        'optimizer',
        'Rolled back to the weights before a nowcast, but the optimizer’s state is out of reach',
      );
    const nowcast = this.#keeper.reverted(this.history, (performance.now() - started) / 1000);
    if (nowcast) await this.#options.onNowcast?.(nowcast);
    return nowcast;
  }

  async #nowcast(
    snapshot: number,
    epoch: number | null,
    training: WatchedTraining,
    weights: WeightAccess,
  ): Promise<Nowcast> {
    const started = performance.now();
    const seconds = () => this.#readSeconds + (performance.now() - started) / 1000;
    const stepScale = this.stepScale * this.#decayFactor();
    const facts = { snapshot, epoch, scalars: countByKind(weights), stepScale };
    const skip = (reason: string): Nowcast => skippedNowcast({ ...facts, reason, seconds: seconds() });

    const history = this.#window.window();
    if (history === null) return skip(`only ${this.#window.consecutive} of ${this.#window.length} snapshots recorded`);
    const { watch } = this.#keeper;
    const length = watch?.affordable(this.#snapshotsLeft()) ?? null;
    if (length === 0) {
      if (this.length === null)
        this.#noteOnce(
          'unknown',
          'The length of the training is unknown, so the watch allows no nowcast before its budget has grown; give `length`',
        );
      return skip(
        this.length === null
          ? 'too early for the watch, which does not know the length'
          : 'too few snapshots are left, or seen, for the budget of the watch',
      );
    }
    const forecasts = await forecastWeights(this.#forecaster, weights, {
      history,
      snapshot,
      done: this.#done,
      stepScale,
    });
    if (typeof forecasts === 'string') {
      this.#noteOnce('skipped', `Nowcast after snapshot ${snapshot} skipped: ${forecasts}`);
      return skip(forecasts);
    }
    let probation: Probation | null = null;
    if (watch !== null && length !== null) probation = this.#keeper.begin(watch, await training.readPoint(), length);
    weights.write(forecasts);
    await training.adapt();
    return { ...facts, outcome: 'kept', reason: null, seconds: seconds(), probation };
  }

  /** Snapshots that follow in this training; null where nobody knows. */
  #snapshotsLeft(): number | null {
    return this.length === null ? null : Math.floor((this.length - this.#count) / this.cadence.every);
  }

  /** Part of the training that has ended; null where nobody knows. */
  get #done(): number | null {
    return this.length === null ? null : this.#count / this.length;
  }

  #decayFactor(): number {
    const { decay } = this.#settings;
    if (decay === null) return 1;
    if (this.#done !== null) return decayFactor(decay, this.#done);
    this.#noteOnce('length', 'The step scale does not decay: the length of the training is unknown; give `length`');
    return 1;
  }

  #noteOnce(topic: Topic, note: string): void {
    if (this.#noted.has(topic)) return;
    this.#noted.add(topic);
    (this.#options.onNote ?? console.warn)(note);
  }
}
