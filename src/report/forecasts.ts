// Charts of how good the forecasts themselves are: errors by epoch, forecast against truth, and single windows.

import * as Plot from '@observablehq/plot';
import type { ForecastErrors, ForecastExamples } from '../evaluation/schema.js';
import { TRAINED_KINDS, type TrainedKind } from '../nowcaster/spec.js';
import { type Chart, drawChart, epochTicks, methodColor } from './draw.js';

/** Windows drawn one by one, of each kind. */
const WINDOWS = 6;
/** Scatters side by side. */
const SCATTERS = 3;
/** Kinds as they are called in text. */
const KIND_LABELS: Record<TrainedKind, string> = {
  conv: 'convolution kernels',
  fc: 'dense kernels',
  bias: 'biases',
  norm: 'scale and offset of normalizations',
  embedding: 'embeddings',
};

/** Errors against epochs, one chart a kind; no change is the gray line to beat. */
export function drawForecastErrors(errors: readonly ForecastErrors[], methods: readonly string[]): Chart[] {
  return TRAINED_KINDS.flatMap((kind) => {
    const marks: Plot.Markish[] = [];
    const drawn: number[] = [];
    const own = errors.filter((entry) => entry.kind === kind);
    const several = new Set(own.map(({ horizon }) => horizon)).size > 1;
    for (const { method, horizon, epochs, byEpoch } of own) {
      const points = epochs.flatMap((epoch, i) =>
        byEpoch[i] === null ? [] : [{ epoch: epoch + 1, error: byEpoch[i] }],
      );
      if (points.length === 0) continue;
      drawn.push(...points.map(({ epoch }) => epoch));
      const index = methods.indexOf(method);
      const stroke = index < 0 ? 'var(--muted)' : methodColor(index);
      const options = { x: 'epoch', y: 'error', stroke, title: () => `${method}, ${horizon} ahead` };
      marks.push(Plot.lineY(points, { ...options, strokeDasharray: index < 0 ? '4 3' : undefined, strokeWidth: 1.75 }));
      if (points.length < 3) marks.push(Plot.dot(points, { ...options, fill: stroke }));
      if (several)
        marks.push(
          Plot.text(points.slice(-1), {
            x: 'epoch',
            y: 'error',
            text: () => `+${horizon}`,
            textAnchor: 'start',
            dx: 5,
            fill: stroke,
          }),
        );
    }
    if (marks.length === 0) return [];
    return drawChart(
      `forecast error, ${KIND_LABELS[kind]}`,
      `Mean absolute error on the plain runs, in units of twice the window’s range; dashed: no change.${
        several ? ' Lines end with how many epochs ahead they look: compare those that look equally far.' : ''
      }`,
      {
        x: { label: 'last epoch of the window', ticks: epochTicks(drawn), tickFormat: 'd' },
        y: { label: 'error', grid: true, nice: true },
        marks,
      },
    );
  });
}

/** Half the width of a scatter: residuals beyond it stand at its edge. */
function reachOf(residuals: readonly number[]): number {
  const sorted = residuals.map(Math.abs).sort((a, b) => a - b);
  return Math.max(0.1, (sorted[Math.floor(0.98 * (sorted.length - 1))] ?? 1) * 1.1);
}

/** Forecast residual against true residual, one facet a method, a few in a row. */
function drawScatter(examples: ForecastExamples, methods: readonly string[]): Chart | null {
  const points = examples.forecasts.flatMap(({ method, horizon, residuals }) =>
    residuals.flatMap((forecast, i) =>
      forecast === null ? [] : [{ method, forecast, truth: examples.residuals[i][horizon - 1] }],
    ),
  );
  if (points.length === 0) return null;
  const reach = reachOf(points.map(({ truth }) => truth));
  const clamp = (value: number) => Math.max(-reach, Math.min(reach, value));
  const names = examples.forecasts.map(({ method }) => method);
  const horizonOf = (name: string) => examples.forecasts[names.indexOf(name)].horizon;
  const several = new Set(names.map(horizonOf)).size > 1;
  const columns = Math.min(SCATTERS, names.length);
  const rows = Math.ceil(names.length / columns);
  const placeOf = (name: string) => {
    const i = names.indexOf(name);
    return { fx: i % columns, fy: Math.floor(i / columns) };
  };
  return drawChart(
    `forecast against truth, ${KIND_LABELS[examples.kind]}`,
    'Change of a weight from its window’s last value to the horizon; on the diagonal the forecast is right.',
    {
      height: 90 + 150 * rows,
      x: { label: 'true change', domain: [-reach, reach], ticks: 3 },
      y: { label: 'forecast', domain: [-reach, reach], grid: true, ticks: 5 },
      fx: { axis: null, padding: 0.15 },
      fy: { axis: null, padding: 0.2 },
      marks: [
        Plot.text(names, {
          text: (name: string) => (several ? `${name}, +${horizonOf(name)}` : name),
          fx: (name: string) => placeOf(name).fx,
          fy: (name: string) => placeOf(name).fy,
          frameAnchor: 'top',
          dy: -14,
        }),
        Plot.line(
          [
            [-reach, -reach],
            [reach, reach],
          ],
          { stroke: 'var(--muted)', strokeDasharray: '4 3' },
        ),
        ...names.map((name) =>
          Plot.dot(
            points
              .filter(({ method }) => method === name)
              .map(({ truth, forecast }) => ({ ...placeOf(name), truth: clamp(truth), forecast: clamp(forecast) })),
            {
              x: 'truth',
              y: 'forecast',
              fx: 'fx',
              fy: 'fy',
              r: 1.75,
              fill: methodColor(methods.indexOf(name)),
              fillOpacity: 0.6,
            },
          ),
        ),
      ],
    },
  );
}

/** A few windows with what came and what was forecast. */
function drawWindows(examples: ForecastExamples, methods: readonly string[]): Chart | null {
  const count = examples.windows.length;
  if (count === 0) return null;
  const drawn = Math.min(WINDOWS, count);
  const shown = Array.from({ length: drawn }, (_, i) => Math.floor((i * count) / drawn));
  const past: { example: number; step: number; value: number }[] = [];
  const future: typeof past = [];
  const forecasts: ((typeof past)[number] & { method: string })[] = [];
  for (const [example, i] of shown.entries()) {
    const window = examples.windows[i];
    const last = window[window.length - 1];
    for (const [t, value] of window.entries()) past.push({ example, step: t - window.length + 1, value });
    future.push({ example, step: 0, value: last });
    for (const [h, residual] of examples.residuals[i].entries())
      future.push({ example, step: h + 1, value: last + residual });
    for (const { method, horizon, residuals } of examples.forecasts) {
      const residual = residuals[i];
      if (residual !== null) forecasts.push({ example, step: horizon, value: last + residual, method });
    }
  }
  return drawChart(
    `single windows, ${KIND_LABELS[examples.kind]}`,
    'Solid: the window; dashed: what the weight did; dots: what each method said it would do. In units of the window.',
    {
      height: 180,
      x: {
        label: 'epochs from the window’s end',
        ticks: [0, examples.residuals[0].length],
      },
      y: { label: null, grid: true },
      fx: { label: null, axis: null, padding: 0.2 },
      marks: [
        Plot.line(past, { x: 'step', y: 'value', fx: 'example', stroke: 'currentColor' }),
        Plot.line(future, { x: 'step', y: 'value', fx: 'example', stroke: 'var(--muted)', strokeDasharray: '4 3' }),
        ...examples.forecasts.map(({ method }) =>
          Plot.dot(
            forecasts.filter((entry) => entry.method === method),
            {
              x: 'step',
              y: 'value',
              fx: 'example',
              r: 3,
              fill: methodColor(methods.indexOf(method)),
              title: () => method,
            },
          ),
        ),
      ],
    },
  );
}

/** Charts of the examples of one task. */
export function drawExamples(examples: readonly ForecastExamples[], methods: readonly string[]): Chart[] {
  return examples.flatMap((entry) =>
    [drawScatter(entry, methods), drawWindows(entry, methods)].filter((chart) => chart !== null),
  );
}
