// The watch's decisions: a table of trends of the loss and jumps with what is to become of them, and the bound on what
// jumps that harm may cost.

import { describe, expect, it } from 'vitest';
import { fitTrend } from '../../src/callback/trend.js';
import { JumpWatch, type WatchSettings } from '../../src/callback/watch.js';
import { Random } from '../../src/random.js';

const FIXED = { start: 1, min: 1, max: 1 };

/** A training of which only the loss is known. A jump shifts its progress and lets a bump on its loss die out. */
interface Training {
  /** Loss after so much progress, in snapshots. */
  trend: (progress: number) => number;
  /** Snapshots of progress that a jump gains, by its step scale. */
  gain?: (stepScale: number) => number;
  /** What a jump adds to the logarithm of the loss, and the part of it that is left a snapshot later. */
  bump?: [height: number, left: number];
  /** Standard deviation of noise on the logarithm of the loss. */
  noise?: number;
}

/** Lives through a training of so many snapshots; `known`: whether the watch is told how many. */
function live(
  { trend, gain = () => 0, bump = [0, 0], noise = 0 }: Training,
  {
    snapshots = 60,
    known = true,
    seed = 1,
    ...settings
  }: Partial<WatchSettings> & { snapshots?: number; known?: boolean; seed?: number } = {},
) {
  const { period = 3, budget = 0.1, stepScale = FIXED } = settings;
  const watch = new JumpWatch({ period, budget, stepScale });
  const random = new Random(seed);
  const verdicts: string[] = [];
  const jumps: number[] = [];
  const scales: number[] = [];
  let [progress, left, before, discarded] = [0, 0, 0, 0];
  for (let snapshot = 0; snapshot < snapshots; snapshot++) {
    progress++;
    const loss = trend(progress) * Math.exp(left + noise * random.normal());
    left *= bump[1];
    const judgment = watch.observe(snapshot, loss);
    if (judgment) {
      verdicts.push(judgment.verdict);
      if (judgment.verdict === 'reverted') {
        [progress, left] = [before, 0];
        discarded += judgment.snapshots;
      }
    }
    const due = (snapshot + 1) % period === 0 && snapshot >= Math.max(5, watch.notBefore) && !watch.onProbation;
    const length = due ? watch.affordable(known ? snapshots - 1 - snapshot : null) : 0;
    if (length === 0) continue;
    watch.jump(length);
    jumps.push(snapshot);
    scales.push(watch.stepScale);
    before = progress;
    progress = Math.max(0.5, progress + gain(watch.stepScale));
    left += bump[0];
  }
  return { watch, verdicts, jumps, scales, progress, discarded };
}

const power = (progress: number) => 2 * progress ** -0.4;
const toFloor = (progress: number) => 0.3 + 1.7 * progress ** -0.7;
const exponential = (progress: number) => 0.05 + 2.3 * Math.exp(-progress / 12);

describe('the trend', () => {
  it('is the power law through losses that follow one, whatever two outliers among them', () => {
    const losses = Array.from({ length: 12 }, (_, i) => power(i + 9));
    const exact = fitTrend(losses, 20, 3)!;
    expect(exact.slope).toBeCloseTo(-0.4, 12);
    expect(exact.intercept).toBeCloseTo(Math.log(2), 12);
    expect(exact.deviation).toBeCloseTo(0, 12);
    losses[2] *= 3;
    losses[7] *= 0.5;
    const robust = fitTrend(losses, 20, 3)!;
    expect(robust.slope).toBeCloseTo(-0.4, 12);
    expect(robust.intercept).toBeCloseTo(Math.log(2), 12);
  });

  it('is a line of the losses themselves where they are not all positive, and never rises', () => {
    const falling = fitTrend(
      [1, 0.5, 0, -0.5].map((loss) => loss),
      4,
      2,
    )!;
    expect([falling.logarithmic, falling.slope < 0]).toEqual([false, true]);
    expect(fitTrend([1, 2, 3, 4], 4, 2)!.slope).toBe(0);
  });

  it('needs four losses, all finite', () => {
    expect(fitTrend([3, 2, 1], 3, 1)).toBeNull();
    expect(fitTrend([4, 3, Number.NaN, 1], 4, 1)).toBeNull();
  });
});

describe('the judgment', () => {
  it.each<[string, Training, string[]]>([
    ['a jump that gains', { trend: power, gain: () => 2 }, ['gained']],
    [
      'one that raises the loss at once but is ahead after a period',
      { trend: power, gain: () => 3, bump: [0.2, 0.2] },
      ['gained'],
    ],
    ['one that changes nothing', { trend: power }, ['gained']],
    ['one that changes nothing in noise', { trend: power, noise: 0.02 }, ['gained']],
    ['one that loses two of three snapshots', { trend: power, gain: () => -2, noise: 0.002 }, ['late']],
    ['one that loses more than the period', { trend: power, gain: () => -4, noise: 0.002 }, ['reverted']],
    ['one whose loss never comes down', { trend: exponential, bump: [1, 1] }, ['reverted']],
    ['one that ends in no number', { trend: power, gain: () => Number.NaN }, ['reverted']],
  ])('of %s', (_, training, first) => {
    expect(live(training, { snapshots: 40 }).verdicts.slice(0, 1)).toEqual(first);
  });

  it('comes at the end of a period, before it where waiting is hopeless', () => {
    const { watch } = live({ trend: power }, { snapshots: 6 });
    watch.jump(3);
    expect(watch.observe(6, power(7))).toBeNull();
    expect(watch.observe(7, power(8))).toBeNull();
    expect(watch.observe(8, power(9))).toMatchObject({ verdict: 'gained', snapshots: 3, cost: 0 });
    const other = live({ trend: power }, { snapshots: 6 }).watch;
    other.jump(3);
    // Above all losses so far for a third of the probation.
    expect(other.observe(6, 5)).toMatchObject({ verdict: 'reverted', snapshots: 1, cost: 1 });
  });

  it('says how far the loss is ahead of its trend, in snapshots', () => {
    const { watch } = live({ trend: power }, { snapshots: 12 });
    watch.jump(2);
    watch.observe(12, power(15.5));
    // Measured by the last half of the probation: of two snapshots, the last.
    expect(watch.observe(13, power(16.5))!.gain).toBeCloseTo(2.5, 6);
  });

  it('is none where a loss is missing', () => {
    const { watch } = live({ trend: power }, { snapshots: 12 });
    watch.jump(2);
    expect(watch.observe(12, null)).toMatchObject({ verdict: 'unjudged', cost: 0 });
    expect([watch.pause, watch.affordable(100)]).toEqual([1, 0]);
  });
});

describe('the pause', () => {
  it('is one period while jumps gain', () => {
    const { jumps } = live({ trend: power, gain: () => 2 }, { snapshots: 30 });
    expect(jumps).toEqual([5, 8, 11, 14, 17, 20, 23, 26]);
  });

  it('doubles with each failure and halves with each success', () => {
    const failing = live({ trend: power, gain: () => -6 }, { snapshots: 200 });
    // Each is judged after two snapshots; the next one follows 2, 4, 8, ... periods later.
    expect(failing.verdicts.every((verdict) => verdict === 'reverted')).toBe(true);
    const pauses = failing.jumps.slice(1).map((jump, i) => jump - failing.jumps[i]);
    expect(pauses.slice(0, 4)).toEqual([9, 15, 27, 51]);
    let jumps = 0;
    const recovering = live({ trend: power, gain: () => (jumps++ < 2 ? -6 : 3) }, { snapshots: 100 });
    const later = recovering.jumps.slice(1).map((jump, i) => jump - recovering.jumps[i]);
    expect(later.slice(0, 6)).toEqual([9, 15, 6, 3, 3, 3]);
  });
});

describe('the step scale', () => {
  it('grows to its upper bound while jumps gain, and falls to its lower one where they do not', () => {
    const stepScale = { start: 1, min: 0.5, max: 2 };
    const growing = live({ trend: exponential, gain: (scale) => scale }, { snapshots: 60, stepScale });
    expect(growing.scales.slice(0, 3)).toEqual([1, 1.2, 1.44]);
    expect(Math.max(...growing.scales)).toBe(2);
    const shrinking = live({ trend: power, gain: () => -1.5, noise: 1e-4 }, { snapshots: 200, stepScale });
    expect(shrinking.scales[1]).toBeCloseTo(1 / 1.2, 12);
    expect(Math.min(...shrinking.scales)).toBeGreaterThanOrEqual(0.5);
  });
});

describe('the bound', () => {
  const trends = { power, toFloor, exponential };
  const harms: Record<string, Partial<Training>> = {
    'all progress is lost': { gain: () => -1e9, bump: [1, 1] },
    'a period is lost, slowly seen': { gain: () => -3, noise: 0.02 },
    'the loss is high for a period': { gain: () => -4, bump: [0.5, 0.7], noise: 0.01 },
  };
  it.each(Object.keys(harms))('holds where every jump harms: %s', (harm) => {
    for (const trend of Object.values(trends))
      for (const budget of [0.05, 0.1, 0.3])
        for (const [snapshots, period] of [
          [12, 3],
          [30, 3],
          [100, 5],
          [240, 40],
        ])
          for (const known of [true, false])
            for (let seed = 1; seed <= 5; seed++) {
              const { discarded } = live({ trend, ...harms[harm] }, { snapshots, period, budget, known, seed });
              expect(discarded).toBeLessThanOrEqual(budget * snapshots);
            }
  });

  it('holds at every moment where the length is unknown', () => {
    for (let snapshots = 4; snapshots < 120; snapshots++) {
      const { discarded } = live({ trend: power, gain: () => -9 }, { snapshots, known: false });
      expect(discarded).toBeLessThanOrEqual(0.1 * snapshots);
    }
  });

  it('leaves a training alone that is too short for it, and its end, where no judgment could be acted upon', () => {
    expect(live({ trend: power, gain: () => 2 }, { snapshots: 9 }).jumps).toEqual([]);
    const { jumps } = live({ trend: power, gain: () => 2 }, { snapshots: 30 });
    expect(jumps.at(-1)).toBeLessThan(28);
  });
});

describe('its state', () => {
  it('goes on as if it had not been put away, at any snapshot', () => {
    const run = (stop: number) => {
      const random = new Random(3);
      let watch = new JumpWatch({ period: 3, budget: 0.5, stepScale: { start: 1, min: 0.5, max: 2 } });
      const seen: unknown[] = [];
      for (let snapshot = 0; snapshot < 50; snapshot++) {
        if (snapshot === stop) {
          const state = JSON.parse(JSON.stringify(watch.state()));
          watch = new JumpWatch({ period: 3, budget: 0.5, stepScale: { start: 1, min: 0.5, max: 2 } });
          watch.restore(state);
        }
        seen.push(watch.observe(snapshot, power(snapshot + 1) * Math.exp(0.1 * random.normal())));
        const length = snapshot >= watch.notBefore && !watch.onProbation ? watch.affordable(49 - snapshot) : 0;
        if (length > 0) watch.jump(length);
        seen.push([length, watch.stepScale, watch.pause]);
      }
      return seen;
    };
    const straight = run(-1);
    expect(straight.filter((entry) => entry !== null && !Array.isArray(entry)).length).toBeGreaterThan(5);
    for (let stop = 0; stop < 50; stop++) expect(run(stop)).toEqual(straight);
  });
});
