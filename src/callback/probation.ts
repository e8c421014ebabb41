// The jump on probation in a training: the losses that the watch is told, what a rollback needs, and its record in
// the history. What the watch decides is in watch.ts.

import type { Nowcast, Probation } from './nowcast.js';
import type { NowcastState } from './nowcastState.js';
import { bytesOfPoint, type TrainingPoint } from './trainingPoint.js';
import { JumpWatch, type WatchSettings } from './watch.js';

/** What of a {@link NowcastState} is of the probation. */
type ProbationState = Pick<NowcastState, 'loss' | 'watch' | 'before'>;

/** Tells the watch of one training the losses, and keeps what a rollback needs. */
export class ProbationKeeper {
  /** Null where nobody watches. */
  readonly #watch: JumpWatch | null;
  #loss: NowcastState['loss'] = { sum: 0, count: 0 };
  #before: NowcastState['before'] = null;

  /** @param settings null: every jump is kept. */
  constructor(settings: WatchSettings | null) {
    this.#watch = settings && new JumpWatch(settings);
  }

  /** The watch, where there is one and it has seen losses: without any, jumps happen as if there were none. */
  get watch(): JumpWatch | null {
    return this.#watch?.sees ? this.#watch : null;
  }

  /** What a rollback needs; null when it need not. */
  get backTo(): TrainingPoint | null {
    return this.#before?.revert ? this.#before.point : null;
  }

  /** Takes the loss of an epoch or a step; null where it is not known. */
  add(loss: number | null): void {
    if (loss === null) this.#loss = null;
    else if (this.#loss !== null) this.#loss = { sum: this.#loss.sum + loss, count: this.#loss.count + 1 };
  }

  /** Tells the watch the mean loss since the last snapshot, and what it decides to the history. */
  observe(snapshot: number, history: readonly Nowcast[]): void {
    const mean = this.#loss === null || this.#loss.count === 0 ? null : this.#loss.sum / this.#loss.count;
    this.#loss = { sum: 0, count: 0 };
    if (this.#watch === null || (mean === null && !this.#watch.sees)) return;
    const judgment = this.#watch.observe(snapshot, mean);
    if (judgment === null) return;
    const nowcast = history.findLast(({ probation }) => probation?.verdict === 'pending');
    if (nowcast) Object.assign(nowcast.probation as Probation, judgment);
    if (judgment.verdict !== 'reverted') this.#before = null;
    else if (this.#before !== null) this.#before = { ...this.#before, revert: true };
  }

  /** Puts a jump on probation. */
  begin(watch: JumpWatch, point: TrainingPoint, length: number): Probation {
    this.#before = { point, revert: false };
    watch.jump(length);
    const unknown = { expected: null, allowed: null, loss: null, gain: null };
    return { verdict: 'pending', snapshots: 0, ...unknown, cost: 0, bytes: bytesOfPoint(point) };
  }

  /**
   * Tells that the training was rolled back, and the history why.
   *
   * @param seconds that it took.
   * @returns the jump.
   */
  reverted(history: readonly Nowcast[], seconds: number): Nowcast | null {
    this.#before = null;
    const nowcast = history.findLast(({ probation }) => probation?.verdict === 'reverted');
    if (nowcast === undefined) return null;
    const { snapshots, loss, allowed } = nowcast.probation as Probation;
    nowcast.outcome = 'reverted';
    nowcast.reason = `after ${snapshots} snapshots the training loss was ${loss}, on its trend at most ${allowed}`;
    nowcast.seconds += seconds;
    return nowcast;
  }

  /** What it remembers. */
  state(): ProbationState {
    return { loss: this.#loss && { ...this.#loss }, watch: this.#watch?.state() ?? null, before: this.#before };
  }

  /** Puts back what {@link state} returned. */
  restore({ loss, watch, before }: ProbationState): void {
    this.#loss = loss && { ...loss };
    this.#before = before;
    if (watch) this.#watch?.restore(watch);
  }
}
