// The watch's decisions on a table of trainings, which the Python package carries: whoever follows the rules decides the same.
// `npx vitest run test/callback/watchCases.test.ts -u` writes the table anew.

import { expect, it } from 'vitest';
import { JumpWatch, type WatchSettings } from '../../src/callback/watch.js';
import { Random } from '../../src/random.js';

const TABLE = '../../assets/python/nowcast/tests/watch_cases.json';
const FIXED = { start: 1, min: 1, max: 1 };
const ADAPTIVE = { start: 0.8, min: 0.4, max: 1.6 };

/** A training of which only the loss is known: what each jump gains in snapshots, and adds to the loss for a while. */
interface Training extends Partial<WatchSettings> {
  snapshots: number;
  /** Whether the watch is told how many. */
  known?: boolean;
  loss: (progress: number) => number;
  gain: number | ((jump: number) => number);
  /** What a jump adds to the logarithm of the loss, and the part of it that is left a snapshot later. */
  bump?: [height: number, left: number];
  noise?: number;
  /** Losses that are not those of the trend. */
  instead?: Record<number, number | null>;
  /** Snapshots from this one on have numbers one higher. */
  gap?: number;
}

const power = (progress: number) => 2 * progress ** -0.4;
const exponential = (progress: number) => 0.05 + 2.3 * Math.exp(-progress / 12);
const TRAININGS: Record<string, Training> = {
  'jumps that gain': { snapshots: 36, loss: power, gain: 2, noise: 0.01 },
  'jumps that gain, after a bump': { snapshots: 60, period: 6, loss: power, gain: 4, bump: [0.3, 0.4], noise: 0.005 },
  'jumps that harm': { snapshots: 60, loss: power, gain: -6, noise: 0.01 },
  'jumps that are late': { snapshots: 60, loss: power, gain: -2, noise: 0.002, budget: 0.3 },
  'a loss that never comes down': { snapshots: 50, period: 5, loss: exponential, gain: 0, bump: [1, 1], budget: 0.2 },
  'a loss that falls too slowly': { snapshots: 70, period: 12, loss: power, gain: -30, bump: [0.4, 0.9], budget: 0.4 },
  'an unknown length': { snapshots: 60, known: false, loss: exponential, gain: (n) => (n % 3 ? 2 : -5), noise: 0.02 },
  'a step scale that adapts': {
    snapshots: 48,
    stepScale: ADAPTIVE,
    loss: power,
    gain: (n) => (n < 4 ? 2 : -6),
    noise: 0.01,
  },
  'losses below 0': { snapshots: 40, loss: (progress) => Math.log(power(progress)), gain: (n) => (n % 2 ? 3 : -5) },
  'a loss that does not fall': { snapshots: 40, loss: () => 1, gain: 0, noise: 0.1, stepScale: ADAPTIVE, budget: 0.3 },
  'losses that are missing': { snapshots: 44, loss: power, gain: 1, noise: 0.01, instead: { 7: null, 21: null } },
  'losses that are not finite': {
    snapshots: 44,
    loss: power,
    gain: 1,
    instead: { 9: Number.NaN, 30: Number.POSITIVE_INFINITY },
  },
  'a gap between snapshots': { snapshots: 40, loss: power, gain: 1, noise: 0.01, gap: 16 },
};

/** JSON has no word for numbers that are not finite, and 1e-12 needs no more digits. */
const plain = (_: string, value: unknown) => {
  if (typeof value !== 'number') return value;
  return Number.isFinite(value) ? Number(value.toPrecision(14)) : String(value);
};

/** The fields of the table's judgments, in order. */
const JUDGEMENT = ['verdict', 'snapshots', 'expected', 'allowed', 'loss', 'gain', 'cost'] as const;

function play(training: Training) {
  const { snapshots, known = true, loss: trend, gain, bump = [0, 0], noise = 0, instead = {}, gap = null } = training;
  const { period = 3, budget = 0.1, stepScale = FIXED } = training;
  const watch = new JumpWatch({ period, budget, stepScale });
  const random = new Random('watch');
  const losses: (number | null)[] = [];
  const decisions: (number | null | (string | number | null)[])[][] = [];
  let [progress, left, before, jumps] = [0, 0, 0, 0];
  for (let i = 0; i < snapshots; i++) {
    progress++;
    const measured = trend(progress) + (Math.exp(left + noise * random.normal()) - 1) * Math.abs(trend(progress));
    const loss = i in instead ? instead[i] : Number(measured.toPrecision(5));
    losses.push(loss);
    left *= bump[1];
    const snapshot = gap !== null && i >= gap ? i + 1 : i;
    const judgment = watch.observe(snapshot, loss);
    if (judgment?.verdict === 'reverted') [progress, left] = [before, 0];
    const due = (snapshot + 1) % period === 0 && snapshot >= watch.notBefore && !watch.onProbation;
    const length = due ? watch.affordable(known ? snapshots - 1 - i : null) : null;
    if (length) {
      watch.jump(length);
      before = progress;
      progress = Math.max(0.5, progress + (typeof gain === 'number' ? gain : gain(jumps++)));
      left += bump[0];
    }
    if (judgment !== null || due) {
      const judged = judgment && JUDGEMENT.map((field) => judgment[field]);
      decisions.push([snapshot, length, watch.pause, watch.notBefore, watch.stepScale, judged]);
    }
  }
  return { settings: { period, budget, stepScale }, known, gap, losses, decisions, state: watch.state() };
}

it('decides as the table says', async () => {
  const cases = Object.entries(TRAININGS).map(([name, training]) => ({ name, ...play(training) }));
  const verdicts = cases.flatMap(({ decisions }) =>
    decisions.map(([, , , , , judged]) => (Array.isArray(judged) ? judged[0] : undefined)),
  );
  expect(new Set(verdicts)).toEqual(new Set(['gained', 'late', 'reverted', 'unjudged', undefined]));
  await expect(`[\n${cases.map((one) => JSON.stringify(one, plain)).join(',\n')}\n]\n`).toMatchFileSnapshot(TABLE);
});
