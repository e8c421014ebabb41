// Whether jumps pay, judged by the training loss that training reports anyway: losses in, decisions out. No tensors, no
// clock, no randomness, so that every runtime decides the same; docs/watch.md has the rules with their reasons.

import { fitTrend, median, type Trend, trendLength } from './trend.js';

/** Settings of a {@link JumpWatch}. */
export interface WatchSettings {
  /** Snapshots from one jump to the next where every jump pays; the longest probation. */
  period: number;
  /** Share of the training's snapshots that jumps which do not pay may cost, above 0 and below 1. */
  budget: number;
  /** The step scale that it begins with, and the range that it stays in; a range of one value: it does not adapt. */
  stepScale: { start: number; min: number; max: number };
}

/** A jump that has not been judged yet. */
interface Probation {
  /** Snapshot that the jump followed. */
  snapshot: number;
  /** Snapshots until its judgment. */
  length: number;
  trend: Trend;
  /** Mean losses between the snapshots since. */
  losses: number[];
}

/** What became of a jump. */
export interface Judgment {
  /**
   * `gained`: the loss came back on its trend; `late`: it did not, though it is lower than before the jump, so that a rollback
   * would cost more; `reverted`: it is not even that, and the training is rolled back; `unjudged`: losses were missing.
   */
  verdict: 'gained' | 'late' | 'reverted' | 'unjudged';
  /** Snapshots that it was on probation for. */
  snapshots: number;
  /** The loss that the trend has at the end, the highest that counts as on it, and the one measured; null when unjudged. */
  expected: number | null;
  allowed: number | null;
  loss: number | null;
  /** Snapshots that the loss is ahead of its trend; negative: behind it. Null where the trend does not fall. */
  gain: number | null;
  /** Snapshots that it has cost: those discarded by rollbacks; by how many the loss, of a late one, is later than allowed. */
  cost: number;
}

/** All that a {@link JumpWatch} remembers. Plain data. */
export interface WatchState {
  /** Mean loss between each snapshot and the one before, oldest first, without those of jumps that were reverted. */
  losses: number[];
  /** Number of the last snapshot; null before the first. */
  last: number | null;
  /** Snapshots seen, those of them that rollbacks discarded, and by how many late jumps were late. */
  seen: number;
  discarded: number;
  late: number;
  /** Periods from one jump to the next. */
  pause: number;
  /** No jump before this snapshot. */
  notBefore: number;
  stepScale: number;
  probation: Probation | null;
}

/** Standard deviations that a loss may lie above its trend. */
const ALLOWANCE = 2;
/** What sums of fractions may lack of a whole number. */
const ROUNDING = 1e-9;
/** Most periods from one jump to the next. */
const MOST_PAUSE = 64;
/** Most lengths of its probation that a jump is said to gain. */
const MOST_GAIN = 10;
/** Factor on the step scale after a jump that gained; after one that did not, its inverse; reverted, a half. */
const SCALE_STEP = 1.2;

/**
 * Judges a jump by the losses since, if they decide.
 *
 * @param time of the snapshot that it followed.
 */
function judge(probation: Probation, time: number): Omit<Judgment, 'snapshots'> | null {
  const { length, trend, losses } = probation;
  const { intercept, slope, logarithmic, deviation, slopeDeviation, recent } = trend;
  const count = losses.length;
  const measure = (y: number) => (logarithmic ? Math.exp(y) : y);
  const level = intercept + slope * Math.log(time);
  // Halves of what was measured at the end and before the jump are compared: medians, so that both have the same phase.
  const ending = Math.min(count, (length + 1) >> 1);
  const y = losses.map((loss) => (logarithmic ? Math.log(Math.max(loss, Number.MIN_VALUE)) : loss));
  const ahead = median(
    y.slice(-ending).map((value, i) => value - intercept - slope * Math.log(time + count - ending + 1 + i)),
  );
  const measured = median(y.slice(-ending));
  const shift = Math.log((time + count) / time);
  // The trend has the loss of now at the time t * exp(above / slope).
  const snapshotsAhead = (above: number) =>
    Math.min(MOST_GAIN * length, Math.max(-count, slope < 0 ? (time + count) * Math.expm1(above / slope) : -count));
  const noise = deviation * Math.sqrt(1 / ending + 1 / recent);
  const allowance = ALLOWANCE * Math.hypot(noise, slopeDeviation * shift);
  const figures = {
    expected: measure(measured - ahead),
    allowed: measure(measured - ahead + allowance),
    loss: measure(measured),
    gain: slope < 0 ? snapshotsAhead(ahead) : null,
    cost: ahead > allowance ? -snapshotsAhead(ahead - allowance) : 0,
  };
  if (!losses.every(Number.isFinite) || isHopeless(probation, y, level))
    return { ...figures, cost: count, verdict: 'reverted' };
  if (count < length) return null;
  if (ahead <= allowance + ROUNDING) return { ...figures, verdict: 'gained' };
  if (measured > level + ALLOWANCE * noise) return { ...figures, cost: count, verdict: 'reverted' };
  return { ...figures, verdict: 'late' };
}

/**
 * Whether a probation that goes on need not be waited for: for a third of it all losses are above all of the trend, or
 * they fall so slowly that in a straight line they do not come down to where they were before the jump.
 *
 * @param y its losses as the trend takes them.
 * @param level the trend before the jump.
 */
function isHopeless({ length, trend }: Probation, y: readonly number[], level: number): boolean {
  const count = y.length;
  if (count >= length) return false;
  if (3 * count >= length && Math.min(...y) > trend.range[1]) return true;
  const half = count >> 1;
  if (half === 0) return false;
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / half;
  const [before, after] = [mean(y.slice(0, half)), mean(y.slice(-half))];
  // From the middle of the last half to the middle of the losses that decide at the end, in distances between the halves.
  const ending = (length + 1) >> 1;
  const steps = Math.max(0, length - count - (ending - half) / 2) / (count - half);
  const projected = after + Math.min(after - before, 0) * steps;
  const noise = trend.deviation * Math.sqrt(((1 + steps) ** 2 + steps ** 2) / half + 1 / trend.recent);
  return projected > level + ALLOWANCE * noise;
}

/** Watches the jumps of one training. */
export class JumpWatch {
  readonly #settings: WatchSettings;
  #state: WatchState;

  constructor(settings: WatchSettings) {
    this.#settings = settings;
    this.#state = {
      losses: [],
      last: null,
      seen: 0,
      discarded: 0,
      late: 0,
      pause: 1,
      notBefore: 0,
      stepScale: settings.stepScale.start,
      probation: null,
    };
  }

  get stepScale(): number {
    return this.#state.stepScale;
  }

  /** Periods from one jump to the next. */
  get pause(): number {
    return this.#state.pause;
  }

  /** No jump before this snapshot. */
  get notBefore(): number {
    return this.#state.notBefore;
  }

  /** Whether a jump waits for its judgment. */
  get onProbation(): boolean {
    return this.#state.probation !== null;
  }

  /** Whether it has seen any loss of this training. */
  get sees(): boolean {
    return this.#state.last !== null;
  }

  /** A copy of what it remembers. */
  state(): WatchState {
    return structuredClone(this.#state);
  }

  /** Puts back what {@link state} returned. */
  restore(state: WatchState): void {
    this.#state = structuredClone(state);
  }

  /**
   * Takes the mean training loss between a snapshot and the one before.
   *
   * @param loss null when it is not known.
   * @returns the judgment of the jump on probation, when this loss decides it.
   */
  observe(snapshot: number, loss: number | null): Judgment | null {
    const state = this.#state;
    const { probation } = state;
    const gap = loss === null || (state.last !== null && snapshot !== state.last + 1);
    state.seen++;
    state.last = snapshot;
    if (gap) {
      state.losses = [];
      return (
        probation && this.#end({ verdict: 'unjudged', expected: null, allowed: null, loss: null, gain: null, cost: 0 })
      );
    }
    if (probation === null) {
      this.#remember([loss]);
      return null;
    }
    probation.losses.push(loss);
    const judgment = judge(probation, this.#time(probation.snapshot));
    return judgment && this.#end(judgment);
  }

  /**
   * How long a jump after the last snapshot could be on probation: at most a period, and no more than the budget can lose.
   *
   * @param left snapshots that follow in this training; null: nobody knows.
   * @returns snapshots; 0: no jump may happen.
   */
  affordable(left: number | null): number {
    const { seen, discarded, late, losses, last } = this.#state;
    const { budget, period } = this.#settings;
    if (last === null || fitTrend(losses, this.#time(last), period) === null) return 0;
    const wasted = discarded + late;
    // All of it may be lost: wasted + length <= budget * (the snapshots that the training is then known to have).
    const most =
      left === null ? (budget * seen - wasted) / (1 - budget) : Math.min(budget * (seen + left) - wasted, left - 1);
    const length = Math.min(period, Math.floor(most + ROUNDING));
    const wanted = left === null ? period : Math.min(period, Math.floor(budget * (seen + left) + ROUNDING));
    return length >= Math.max(1, wanted / 2) ? length : 0;
  }

  /** Tells that a jump has followed the last snapshot, which is on probation from now on. */
  jump(length: number): void {
    const { losses, last } = this.#state;
    const snapshot = last as number;
    const trend = fitTrend(losses, this.#time(snapshot), this.#settings.period) as Trend;
    this.#state.probation = { snapshot, length, trend, losses: [] };
  }

  /** The time of a snapshot: how many there have been, without those that rollbacks discarded. */
  #time(snapshot: number): number {
    return snapshot + 1 - this.#state.discarded;
  }

  #remember(losses: readonly number[]): void {
    const { period } = this.#settings;
    this.#state.losses = [...this.#state.losses, ...losses].slice(-trendLength(period));
  }

  /** Ends the probation: what is remembered, when the next jump may come, and how far it goes. */
  #end(outcome: Omit<Judgment, 'snapshots'>): Judgment {
    const state = this.#state;
    const { period, stepScale } = this.#settings;
    const { snapshot, losses } = state.probation as Probation;
    const { verdict, gain, cost } = outcome;
    state.probation = null;
    if (verdict === 'reverted') state.discarded += cost;
    else if (verdict !== 'unjudged') this.#remember(losses);
    if (verdict === 'late') state.late += cost;
    if (verdict === 'gained') state.pause = Math.max(1, state.pause / 2);
    else if (verdict !== 'unjudged') state.pause = Math.min(MOST_PAUSE, state.pause * 2);
    state.notBefore = (verdict === 'reverted' ? (state.last as number) : snapshot) + state.pause * period;
    const factor = {
      gained: (gain ?? 0) > 0 ? SCALE_STEP : 1 / SCALE_STEP,
      late: 1 / SCALE_STEP,
      reverted: 1 / 2,
      unjudged: 1,
    };
    state.stepScale = Math.min(stepScale.max, Math.max(stepScale.min, state.stepScale * factor[verdict]));
    return { ...outcome, snapshots: losses.length };
  }
}
