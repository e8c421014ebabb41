// When snapshots are taken and nowcasts happen, for any training: it is told when an epoch or step has ended, and when the
// next one is about to begin. Which forecaster is not its business.

import { UsageError } from '../errors.js';
import { requireRecommendation } from '../nowcaster/recommendation.js';
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
import { countByKind, forecastWeights, type Nowcast, type Probation, skippedNowcast } from './nowcast.js';
import { type NowcastState, requireSameTensors, requireState } from './nowcastState.js';
import { SnapshotWindow } from './snapshotWindow.js';
import {
  type AdaptiveStepScale,
  decayFactor,
  requireDecay,
  type StepScaleDecay,
  type StepScaleRange,
  stepScaleRange,
} from './stepScale.js';
import { bytesOfPoint, type TrainingPoint } from './trainingPoint.js';
import { JumpWatch } from './watch.js';
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
   * Step scale: multiplier on the predicted update; 1 lands on the forecast. Above 0, at most 10. `adaptive` or bounds: the
   * watch makes it grow while nowcasts gain, and shrink when they do not. Default: what the nowcaster recommends (`wnn
   * export --step-scale`), else 1.
   */
  stepScale?: number | 'adaptive' | AdaptiveStepScale;
  /** Decrease of the step scale over the last part of the training, whose length has to be known. Default: none. */
  stepScaleDecay?: StepScaleDecay;
  /** When snapshots are taken. Default: as the nowcaster was trained, every epoch for the paper's networks. */
  cadence?: SnapshotCadence;
  /**
   * The watch: judges each nowcast by the training loss of the period that follows, goes back to where the training was
   * before when it does not pay, and makes pauses longer; see docs/watch.md. It begins when it sees losses: those of `fit`,
   * or those given to `step`. `budget`: the share of the training that nowcasts which do not pay may cost, above 0 and
   * below 1, default 0.1. Default true; false: every nowcast is kept.
   */
  watch?: boolean | { budget?: number };
  /**
   * Epochs or steps of the whole training, whichever the cadence counts. Default: what `fit` says; unknown in loops of
   * one's own and with `continue`.
   */
  length?: number;
  /** Called after every nowcast, also after one that was skipped, and again when one is reverted. May be asynchronous. */
  onNowcast?: (nowcast: Nowcast) => void | Promise<void>;
  /** Receives, once a training, why nowcasts are skipped or cannot happen. Default: `console.warn`. */
  onNote?: NoteListener;
}

/** The training that nowcasts happen in. */
export interface WatchedTraining {
  /** Makes the access to the weights, asked for when the first snapshot is needed. */
  access(): WeightAccess;
  /** Reads all that the training can go back to. */
  readPoint(): Promise<TrainingPoint>;
  /** Goes back. */
  returnTo(point: TrainingPoint): Promise<void>;
}

/** Takes the snapshots of one training after another and nowcasts when it is time. */
export class NowcastLoop {
  /** Nowcasts of the current or last training, in order. */
  history: Nowcast[] = [];
  readonly period: number;
  readonly startEpoch: number;
  readonly cadence: SnapshotCadence;
  /** Epochs or steps of the whole training; null where nobody knows. */
  length: number | null;
  readonly #stepScale: StepScaleRange;
  readonly #decay: Required<StepScaleDecay> | null;
  readonly #budget: number | null;
  readonly #forecaster: Forecaster;
  readonly #options: LoopOptions;
  readonly #window: SnapshotWindow;
  #watch: JumpWatch | null = null;
  #weights: WeightAccess | null = null;
  /** Epochs or steps that have ended. */
  #count = 0;
  #loss: NowcastState['loss'] = { sum: 0, count: 0 };
  #due: number | null = null;
  #before: NowcastState['before'] = null;
  #readSeconds = 0;
  #restored: NowcastState | null = null;
  readonly #noted = new Set<string>();

  /** @throws {@link UsageError} when the period, the start, the step scale, the watch or the cadence is impossible. */
  constructor(forecaster: Forecaster, options: LoopOptions = {}) {
    const { recommended = {} } = forecaster;
    const { watch = true, length = null } = options;
    this.#window = new SnapshotWindow(forecaster.windowLength, forecaster.averaged);
    this.period = options.period ?? recommended.period ?? this.#window.length;
    requireRecommendation({ period: this.period });
    this.#stepScale = stepScaleRange(options.stepScale, recommended.stepScale ?? 1);
    this.#decay = options.stepScaleDecay ? requireDecay(options.stepScaleDecay) : null;
    this.startEpoch = requireFrom('startEpoch', options.startEpoch ?? recommended.startEpoch ?? 0, 0);
    this.length = length === null ? null : requireFrom('length', length, 1);
    this.#budget = watch === false ? null : requireBudget(watch === true ? undefined : watch.budget);
    if (this.#budget === null && this.#stepScale.min < this.#stepScale.max)
      throw new UsageError({
        what: 'a step scale adapts by what the watch sees, and the watch is off',
        where: 'stepScale',
        remedy: 'leave out `watch: false`, or give a number',
      });
    const { averaged = 1 } = forecaster;
    if (this.period % averaged !== 0)
      throw new UsageError({
        what: `means of ${averaged} snapshots end at a nowcast when the period is a multiple of ${averaged}`,
        where: `period ${this.period}`,
        remedy: `give e.g. ${averaged * Math.ceil(this.period / averaged)}`,
      });
    const trainedAt = forecaster.cadence ?? EVERY_EPOCH;
    this.cadence = requireCadence(options.cadence ?? trainedAt, 'cadence');
    this.#forecaster = forecaster;
    this.#options = options;
    if (!sameCadence(this.cadence, trainedAt))
      this.#noteOnce(
        'cadence',
        `The nowcaster was trained on snapshots ${describeCadence(trainedAt)} and is applied to snapshots ${describeCadence(this.cadence)}`,
      );
    this.#startWatch();
  }

  /** Epochs or steps that have ended. */
  get count(): number {
    return this.#count;
  }

  /** The current step scale, before its decay. */
  get stepScale(): number {
    return this.#watch?.stepScale ?? this.#stepScale.start;
  }

  /** Whether there is a watch, which wants to know losses. */
  get watches(): boolean {
    return this.#watch !== null;
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
    this.#before = null;
    this.#loss = { sum: 0, count: 0 };
    this.#count = this.#restored?.count ?? 0;
    this.length = this.#options.length ?? null;
    this.#startWatch();
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
    this.#loss = state.loss && { ...state.loss };
    this.#before = state.before;
    this.history = structuredClone(state.history);
    if (state.watch) this.#watch?.restore(state.watch);
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
    this.#count = count ?? this.#count + 1;
    if (loss === null) this.#loss = null;
    else if (this.#loss !== null) this.#loss = { sum: this.#loss.sum + loss, count: this.#loss.count + 1 };
    const { every } = this.cadence;
    if (this.#count % every !== 0) return;
    const snapshot = this.#count / every - 1;
    this.#observe(snapshot);
    const next = nextNowcast(this, Math.max(snapshot, this.#watch?.notBefore ?? 0));
    if (this.#before?.revert || next - snapshot >= this.#window.length) return;
    const started = performance.now();
    const weights = this.#weights ?? training.access();
    if (this.#weights === null) this.begin(weights);
    await this.#window.record(snapshot, (target) => weights.read(target));
    this.#readSeconds = (performance.now() - started) / 1000;
    if (snapshot === next) this.#due = snapshot;
  }

  /**
   * Tells that the training goes on: goes back where the watch says so, and applies the nowcast that is due.
   *
   * @param training as in {@link end}: one that goes on from a restored state may begin with a nowcast.
   * @param epoch the epoch (from 0) that ended last, for the history; null where nobody counts epochs.
   * @returns the nowcast that was due, or reverted; null when neither.
   */
  async apply(training: WatchedTraining, epoch: number | null): Promise<Nowcast | null> {
    if (this.#restored !== null) this.begin(training.access());
    const reverted = this.#before?.revert ? await this.#revert(training, this.#before.point) : null;
    const snapshot = this.#due;
    if (snapshot === null || this.#weights === null) return reverted;
    this.#due = null;
    const nowcast = await this.#nowcast(snapshot, epoch, training, this.#weights);
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
      schemaVersion: 2,
      cadence: { ...this.cadence },
      tensors: (this.#weights?.tensors ?? []).map(({ name, size }) => ({ name, size })),
      count: this.#count,
      length: this.length,
      due: this.#due,
      window: this.#window.state(),
      history: structuredClone(this.history),
      loss: this.#loss && { ...this.#loss },
      watch: this.#watch?.state() ?? null,
      before: this.#before,
    };
  }

  /**
   * Goes on from a state in the next training.
   *
   * @throws {@link MismatchError} when it is none, of another cadence, or with a watch where there is none.
   */
  restore(state: NowcastState): void {
    requireState(state, { cadence: this.cadence, slots: this.#window.slots, watch: this.#watch !== null });
    this.#restored = state;
    this.#count = state.count;
  }

  /** Frees the window and what the forecaster holds. Afterwards the loop cannot be used. */
  async dispose(): Promise<void> {
    this.#window.release();
    this.#weights = null;
    this.#before = null;
    await this.#forecaster.dispose();
  }

  #startWatch(): void {
    const { period } = this;
    const stepScale = this.#stepScale;
    this.#watch = this.#budget === null ? null : new JumpWatch({ period, budget: this.#budget, stepScale });
  }

  /** Tells the watch the mean loss since the last snapshot, and what it decides to the history. */
  #observe(snapshot: number): void {
    const mean = this.#loss === null || this.#loss.count === 0 ? null : this.#loss.sum / this.#loss.count;
    this.#loss = { sum: 0, count: 0 };
    const watch = this.#watch;
    // Without any loss there is nothing to watch, and nowcasts happen as if there were no watch.
    if (watch === null || (mean === null && !watch.sees)) return;
    const judgement = watch.observe(snapshot, mean);
    if (judgement === null) return;
    const nowcast = this.history.findLast(({ probation }) => probation?.verdict === 'pending');
    if (nowcast) Object.assign(nowcast.probation as Probation, judgement);
    if (judgement.verdict !== 'reverted') this.#before = null;
    else if (this.#before !== null) this.#before = { ...this.#before, revert: true };
  }

  async #revert(training: WatchedTraining, point: TrainingPoint): Promise<Nowcast | null> {
    const started = performance.now();
    await training.returnTo(point);
    this.#before = null;
    this.#window.forget();
    this.#due = null;
    if (point.optimizer === null)
      this.#noteOnce(
        'optimizer',
        'Went back to the weights before a nowcast, but the optimizer’s state is out of reach',
      );
    const nowcast = this.history.findLast(({ probation }) => probation?.verdict === 'reverted');
    if (nowcast === undefined) return null;
    const { snapshots, loss, allowed } = nowcast.probation as Probation;
    nowcast.outcome = 'reverted';
    nowcast.reason = `after ${snapshots} snapshots the training loss was ${loss}, on its course at most ${allowed}`;
    nowcast.seconds += (performance.now() - started) / 1000;
    await this.#options.onNowcast?.(nowcast);
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
    const scalars = countByKind(weights);
    const stepScale = this.stepScale * this.#decayFactor();
    const skipSilently = (reason: string): Nowcast =>
      skippedNowcast({ snapshot, epoch, reason, scalars, stepScale, seconds: seconds() });

    const history = this.#window.window();
    if (history === null)
      return skipSilently(`only ${this.#window.consecutive} of ${this.#window.length} snapshots recorded`);
    const watch = this.#watch?.sees ? this.#watch : null;
    const left = this.length === null ? null : Math.floor((this.length - this.#count) / this.cadence.every);
    const length = watch?.affordable(left) ?? 0;
    if (watch && length === 0) return skipSilently(`the watch’s budget does not allow it yet`);
    const forecasts = await forecastWeights(this.#forecaster, weights, { history, snapshot, stepScale });
    if (typeof forecasts === 'string') {
      this.#noteOnce('skipped', `Nowcast after snapshot ${snapshot} skipped: ${forecasts}`);
      return skipSilently(forecasts);
    }
    let probation: Probation | null = null;
    if (watch) {
      const point = await training.readPoint();
      this.#before = { point, revert: false };
      watch.jump(length);
      const unknown = { expected: null, allowed: null, loss: null, gain: null };
      probation = { verdict: 'pending', snapshots: 0, ...unknown, cost: 0, bytes: bytesOfPoint(point) };
    }
    weights.write(forecasts);
    return { snapshot, epoch, outcome: 'kept', reason: null, scalars, stepScale, seconds: seconds(), probation };
  }

  #decayFactor(): number {
    if (this.#decay === null) return 1;
    if (this.length !== null) return decayFactor(this.#decay, this.#count / this.length);
    this.#noteOnce('length', 'The step scale does not decay: the length of the training is unknown; give `length`');
    return 1;
  }

  #noteOnce(topic: 'cadence' | 'skipped' | 'short' | 'optimizer' | 'length', note: string): void {
    if (this.#noted.has(topic)) return;
    this.#noted.add(topic);
    (this.#options.onNote ?? console.warn)(note);
  }
}

/** Refuses what is no whole number from `least` on. @throws {@link UsageError} */
export function requireFrom(option: string, value: number, least: number): number {
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new UsageError({
    what: `${option} must be a whole number of at least ${least}`,
    where: `${option} ${value}`,
    remedy: `give ${least} or more`,
  });
}

/** The watch's budget. @throws {@link UsageError} for an impossible one. */
function requireBudget(budget = 0.1): number {
  if (budget > 0 && budget < 1) return budget;
  throw new UsageError({
    what: 'the budget of a watch is a share of the training, above 0 and below 1',
    where: `watch { budget: ${budget} }`,
    remedy: 'give e.g. 0.1',
  });
}
