// Charts of single windows: what a weight did, what it did next, and what each method said it would do.

import * as Plot from '@observablehq/plot';
import type { ForecastExamples } from '../evaluation/schema.js';
import { type Chart, drawChart, markOf } from './chart.js';
import { formatValue } from './format.js';
import { KIND_LABELS } from './kinds.js';
import { colorOf, type Series } from './series.js';

/** Windows drawn one by one. */
const WINDOWS = 6;
const COLUMNS = 3;

/** A weight at one step of a window; steps count from the window's end. */
interface Step {
  fx: number;
  fy: number;
  step: number;
  value: number;
}

/** A few windows, spread over the examples; null without any. */
export function drawWindows(examples: ForecastExamples, methods: readonly Series[]): Chart | null {
  const count = examples.windows.length;
  if (count === 0) return null;
  const shown = Array.from({ length: Math.min(WINDOWS, count) }, (_, i) =>
    Math.floor((i * count) / Math.min(WINDOWS, count)),
  );
  const forecasters = examples.forecasts.flatMap(({ method, horizon, residuals }) => {
    const series = methods.find(({ name }) => name === method);
    return series ? [{ series, horizon, residuals }] : [];
  });
  const windows = shown.map((i, place) => {
    const at = { fx: place % COLUMNS, fy: Math.floor(place / COLUMNS) };
    const values = examples.windows[i];
    const last = values[values.length - 1];
    return {
      past: values.map((value, t): Step => ({ ...at, step: t - values.length + 1, value })),
      future: [0, ...examples.residuals[i]].map((residual, h): Step => ({ ...at, step: h, value: last + residual })),
      forecasts: forecasters.flatMap(({ series, horizon, residuals }) => {
        const residual = residuals[i];
        return residual === null ? [] : [{ series, at: { ...at, step: horizon, value: last + residual } as Step }];
      }),
    };
  });
  const rows = windows.flatMap(({ past, future, forecasts }, w) =>
    [...past, ...future.slice(1)].map((truth) => ({
      truth,
      forecasts: forecasts.filter(({ at }) => at.step === truth.step),
      cells: [
        `${w + 1} at ${truth.step > 0 ? '+' : ''}${truth.step}`,
        formatValue(truth.value),
        ...forecasters.map(({ series }) => {
          const forecast = forecasts.find((entry) => entry.series === series && entry.at.step === truth.step);
          return forecast ? formatValue(forecast.at.value) : '';
        }),
      ],
    })),
  );
  const placeOf = ({ step, value, fx, fy }: Step) => ({ x: step, y: value, fx, fy });
  const options = { x: 'step', y: 'value', fx: 'fx', fy: 'fy' };
  return drawChart({
    title: `Single windows, ${KIND_LABELS[examples.kind]}`,
    caption:
      'Solid: the window; dashed: what the weight did; dots: what each method said it would do. In units of the window.',
    series: forecasters.map(({ series }) => series),
    table: {
      header: [
        { text: 'window' },
        { text: 'weight' },
        ...forecasters.map(({ series }) => ({ text: series.name, series })),
      ],
      rows: rows.map(({ cells }) => ({ cells })),
    },
    points: rows.flatMap(({ truth, forecasts }, row) => [
      { row, ...placeOf(truth) },
      ...forecasts.map(({ series, at }) => ({ row, series, ...placeOf(at) })),
    ]),
    reading: 'xy',
    options: {
      height: 70 + 100 * Math.ceil(shown.length / COLUMNS),
      x: { label: 'epochs from the window’s end', ticks: [0, examples.residuals[0].length] },
      y: { label: null, grid: true, ticks: 4 },
      fx: { axis: null, padding: 0.2 },
      fy: { axis: null, padding: 0.2 },
      marks: [
        Plot.line(
          windows.flatMap(({ past }) => past),
          { ...options, stroke: 'currentColor' },
        ),
        Plot.line(
          windows.flatMap(({ future }) => future),
          { ...options, stroke: 'var(--none)', strokeDasharray: '4 3' },
        ),
        ...forecasters.map(({ series }) =>
          Plot.dot(
            windows.flatMap(({ forecasts }) =>
              forecasts.filter((entry) => entry.series === series).map(({ at }) => at),
            ),
            { ...options, r: 3, fill: colorOf(series), ...markOf(series) },
          ),
        ),
      ],
    },
  });
}
