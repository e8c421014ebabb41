// Performance profiles: on how many of the tasks a method is within a factor of the fastest one.

import * as Plot from '@observablehq/plot';
import { PROFILE_RANGE, shareWithin } from '../evaluation/profile.js';
import type { Overall } from '../evaluation/schema.js';
import { type Chart, drawChart, markOf } from './chart.js';
import { formatValue } from './format.js';
import { colorOf, type Series } from './series.js';

/** Distance between curves that lie on one another, in units of the drawing. */
const SHIFT = 1.5;

/** Draws the profile of the first target; null with fewer than two tasks, where it says no more than the ratios. */
export function drawProfile(
  { profile }: Overall,
  methods: readonly Series[],
  unit: 'epochs' | 'seconds',
): Chart | null {
  if (profile.tasks.length < 2) return null;
  const [first, last] = PROFILE_RANGE;
  const curves = methods.flatMap((series) => {
    const own = profile[unit].find(({ name }) => name === series.name);
    if (!own) return [];
    const factors = own.factors.map((factor) => (typeof factor === 'number' ? factor : Number.POSITIVE_INFINITY));
    return [{ series, factors, integral: own.integral }];
  });
  const steps = curves.flatMap(({ factors }) => factors).filter((factor) => factor > first && factor < last);
  const taus = [...new Set([first, ...steps, last])].sort((a, b) => a - b);
  return drawChart({
    title: `Performance profile, ${unit}`,
    caption: `Share of the ${profile.tasks.length} tasks on which a method takes at most τ times the ${unit} of the fastest. Higher is better; curves that coincide are drawn side by side.`,
    series: curves.map(({ series }) => series),
    table: {
      header: [{ text: 'τ' }, ...curves.map(({ series }) => ({ text: series.name, series }))],
      rows: [
        ...taus.map((tau) => ({
          cells: [formatValue(tau), ...curves.map(({ factors }) => formatValue(shareWithin(factors, tau)))],
        })),
        { cells: ['integral', ...curves.map(({ integral }) => formatValue(integral))] },
      ],
    },
    points: taus.flatMap((tau, row) =>
      curves.map(({ series, factors }) => ({ row, series, x: tau, y: shareWithin(factors, tau) })),
    ),
    reading: 'x',
    options: {
      height: 300,
      marginRight: 18,
      x: { label: 'τ', domain: [...PROFILE_RANGE], ticks: 7 },
      y: { label: 'share of tasks', domain: [0, 1], grid: true, ticks: 5 },
      marks: curves.map(({ series, factors }, c) =>
        Plot.line(
          taus.map((tau) => ({ tau, share: shareWithin(factors, tau) })),
          {
            x: 'tau',
            y: 'share',
            curve: 'step-after',
            stroke: colorOf(series),
            strokeWidth: 2,
            dy: (c - (curves.length - 1) / 2) * SHIFT,
            ...markOf(series),
          },
        ),
      ),
    },
  });
}
