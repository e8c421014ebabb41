// Charts of the forecasts' errors, against the epochs at which the windows end.

import * as Plot from '@observablehq/plot';
import type { ForecastErrors } from '../evaluation/schema.js';
import { type Chart, drawChart, epochTicks, markOf } from './chart.js';
import { formatValue } from './format.js';
import { KIND_LABELS } from './kinds.js';
import type { Label } from './labels.js';
import { colorOf, NO_CHANGE, type Series } from './series.js';

/** One line: a method's errors at one horizon. */
interface ErrorLine {
  series: Series;
  name: string;
  horizon: number;
  points: { epoch: number; error: number }[];
}

function linesOf(errors: readonly ForecastErrors[], methods: readonly Series[], several: boolean): ErrorLine[] {
  return errors.flatMap(({ method, horizon, epochs, byEpoch }) => {
    const points = epochs.flatMap((epoch, i) => {
      const error = byEpoch[i];
      return error === null ? [] : [{ epoch: epoch + 1, error }];
    });
    const { key, name: plainName } = methods.find((series) => series.name === method) ?? NO_CHANGE;
    const name = several ? `${plainName}, +${horizon}` : plainName;
    const series = { key, name: key === NO_CHANGE.key ? plainName : name };
    return points.length > 0 ? [{ series, name, horizon, points }] : [];
  });
}

/** Values of lines with one point; the horizons of no change, which has a line for each. */
function labelsOf(lines: readonly ErrorLine[], several: boolean): Label[] {
  return lines.flatMap(({ series, name, horizon, points }) => {
    const { epoch: x, error: y } = points[points.length - 1];
    if (points.length === 1) return [{ series, x, y, text: `${name} ${formatValue(y)}` }];
    return several && series.key === NO_CHANGE.key ? [{ series, x, y, text: `+${horizon}` }] : [];
  });
}

/** One chart for each kind of tensors that there are errors of. */
export function drawForecastErrors(errors: readonly ForecastErrors[], methods: readonly Series[]): Chart[] {
  return [...new Set(errors.map(({ kind }) => kind))].flatMap((kind) => {
    const own = errors.filter((entry) => entry.kind === kind);
    const several = new Set(own.map(({ horizon }) => horizon)).size > 1;
    const lines = linesOf(own, methods, several);
    if (lines.length === 0) return [];
    const epochs = [...new Set(lines.flatMap(({ points }) => points.map(({ epoch }) => epoch)))].sort((a, b) => a - b);
    const errorAt = ({ points }: ErrorLine, epoch: number) => points.find((point) => point.epoch === epoch)?.error;
    const series = [...new Map(lines.map((line) => [line.series.key, line.series])).values()];
    return drawChart({
      title: `Forecast error, ${KIND_LABELS[kind]}`,
      caption: `Mean absolute error on the plain runs, in units of twice the window’s range.${
        several ? ' +5 looks five epochs ahead: compare what looks equally far.' : ''
      }`,
      series,
      table: {
        header: [{ text: 'epoch' }, ...lines.map(({ series, name }) => ({ text: name, series: { ...series, name } }))],
        rows: epochs.map((epoch) => {
          const values = lines.map((line) => errorAt(line, epoch));
          return { cells: [String(epoch), ...values.map((value) => (value === undefined ? '' : formatValue(value)))] };
        }),
      },
      points: lines.flatMap((line) =>
        line.points.map(({ epoch, error }) => ({
          row: epochs.indexOf(epoch),
          series: line.series,
          x: epoch,
          y: error,
        })),
      ),
      reading: 'x',
      labels: labelsOf(lines, several),
      options: {
        marginRight: several ? 34 : 16,
        x: { label: 'last epoch of the window', ticks: epochTicks(epochs), tickFormat: 'd' },
        y: { label: 'error', grid: true, nice: true, zero: true, ticks: 5 },
        marks: lines.flatMap(({ series, points }) => {
          const options = { x: 'epoch', y: 'error', ...markOf(series) };
          const stroke = colorOf(series);
          if (points.length === 1) return [Plot.dot(points, { ...options, fill: stroke, r: 3.5 })];
          const strokeDasharray = series.key === NO_CHANGE.key ? '4 3' : undefined;
          return [Plot.lineY(points, { ...options, stroke, strokeWidth: 1.75, strokeDasharray })];
        }),
      },
    });
  });
}
