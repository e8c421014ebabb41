// Charts of forecasts against truth: what each method said that a weight would do, and what it did.

import * as Plot from '@observablehq/plot';
import type { ForecastExamples } from '../evaluation/schema.js';
import { type Chart, drawChart, markOf } from './chart.js';
import { formatValue } from './format.js';
import { KIND_LABELS } from './kinds.js';
import { shorten } from './labels.js';
import { colorOf, type Series } from './series.js';

/** Methods side by side. */
const COLUMNS = 3;

/** Half the width of a drawing: what is beyond stands at its edge. */
function reachOf(residuals: readonly number[]): number {
  const sorted = residuals.map(Math.abs).sort((a, b) => a - b);
  return Math.max(0.1, (sorted[Math.floor(0.98 * (sorted.length - 1))] ?? 1) * 1.1);
}

/** Forecast change against true change, one drawing a method; null without forecasts. */
export function drawScatter(examples: ForecastExamples, methods: readonly Series[]): Chart | null {
  const shown = examples.forecasts.flatMap(({ method, horizon, residuals }) => {
    const series = methods.find(({ name }) => name === method);
    const points = residuals.flatMap((forecast, row) =>
      forecast === null ? [] : [{ row, forecast, truth: examples.residuals[row][horizon - 1] }],
    );
    return series && points.length > 0 ? [{ series, horizon, points }] : [];
  });
  if (shown.length === 0) return null;
  const reach = reachOf(shown.flatMap(({ points }) => points.map(({ truth }) => truth)));
  const tick = Number((reach / 1.6).toPrecision(1));
  const clamp = (value: number) => Math.max(-reach, Math.min(reach, value));
  const beyond = shown.some(({ points }) =>
    points.some((p) => Math.abs(p.truth) > reach || Math.abs(p.forecast) > reach),
  );
  const several = new Set(shown.map(({ horizon }) => horizon)).size > 1;
  const columns = Math.min(COLUMNS, shown.length);
  const rows = Math.ceil(shown.length / columns);
  const facets = shown.map(({ series, horizon, points }, i) => {
    const place = { fx: i % columns, fy: Math.floor(i / columns) };
    return {
      series,
      place,
      title: shorten(series.name, Math.floor(46 / columns) - (several ? 4 : 0)) + (several ? `, +${horizon}` : ''),
      points: points.map(({ row, truth, forecast }) => ({ row, x: clamp(truth), y: clamp(forecast), ...place })),
    };
  });
  return drawChart({
    title: `Forecast against truth, ${KIND_LABELS[examples.kind]}`,
    caption: `Change of a weight from its window’s last value to the horizon, in units of twice the window’s range; on the diagonal the forecast is right.${
      beyond ? ` Changes beyond ±${formatValue(reach)} stand at the edge.` : ''
    }`,
    series: shown.map(({ series }) => series),
    table: {
      header: [{ text: 'window' }, ...shown.map(({ series }) => ({ text: series.name, series }))],
      rows: examples.windows.map((_, i) => ({
        cells: [
          `${i + 1}`,
          ...shown.map(({ points }) => {
            const point = points.find(({ row }) => row === i);
            return point ? `${formatValue(point.forecast)}, true ${formatValue(point.truth)}` : '';
          }),
        ],
      })),
    },
    points: facets.flatMap(({ series, points }) => points.map((point) => ({ series, ...point }))),
    reading: 'xy',
    options: {
      height: 80 + Math.round(330 / columns) * rows,
      x: { label: 'true change', domain: [-reach, reach], ticks: [-tick, tick], tickFormat: formatValue },
      y: {
        label: 'forecast',
        labelAnchor: 'center',
        domain: [-reach, reach],
        grid: true,
        ticks: [-tick, 0, tick],
        tickFormat: formatValue,
      },
      fx: { axis: null, padding: 0.15 },
      fy: { axis: null, padding: 0.2 },
      marks: [
        Plot.text(facets, {
          text: 'title',
          fx: ({ place }) => place.fx,
          fy: ({ place }) => place.fy,
          frameAnchor: 'top',
          dy: -12,
        }),
        Plot.line(
          [
            [-reach, -reach],
            [reach, reach],
          ],
          { stroke: 'var(--none)', strokeDasharray: '4 3' },
        ),
        ...facets.map(({ series, points }) =>
          Plot.dot(points, {
            x: 'x',
            y: 'y',
            fx: 'fx',
            fy: 'fy',
            r: 1.75,
            fill: colorOf(series),
            fillOpacity: 0.6,
            ...markOf(series),
          }),
        ),
      ],
    },
  });
}
