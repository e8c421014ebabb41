// Charts of how nowcasters were trained, where the directory of the training is at hand: the error on held-out runs, epoch
// by epoch, and the levels to beat.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as Plot from '@observablehq/plot';
import { CorruptFileError } from '../errors.js';
import { parseJson } from '../formats/parseJson.js';
import { TRAINED_KINDS } from '../nowcaster/spec.js';
import { type Chart, drawChart, epochTicks, markOf } from './chart.js';
import { formatValue } from './format.js';
import { KIND_LABELS } from './kinds.js';
import { colorOf, NO_CHANGE, type Series } from './series.js';
import type { HeldOut } from './trainedErrors.js';

/** One line of a training's `<kind>/metrics.jsonl`, as far as it is drawn. */
interface MetricsPoint {
  epoch: number;
  /** Null where it was not finite. */
  validationError: number | null;
}

function readMetrics(path: string): { epoch: number; error: number }[] {
  const lines = readFileSync(path, 'utf8').split('\n').filter(Boolean);
  const points = lines.map((line, i) => {
    let point: Partial<MetricsPoint> | null = null;
    try {
      point = parseJson(line) as Partial<MetricsPoint> | null;
    } catch {}
    const measured = point?.validationError === null || typeof point?.validationError === 'number';
    if (typeof point?.epoch === 'number' && measured) return point as MetricsPoint;
    throw new CorruptFileError({
      what: `line ${i + 1} is no metrics of an epoch`,
      where: path,
      remedy: 'train again, or leave --training out',
    });
  });
  return points.flatMap(({ epoch, validationError }) =>
    validationError === null ? [] : [{ epoch, error: validationError }],
  );
}

/**
 * The curve of a training, one chart a kind.
 *
 * @param linear the straight line as the page knows it.
 * @param directory what `wnn train --out` wrote.
 * @throws CorruptFileError for metrics that cannot be read.
 */
export function drawTrainingCurves(own: Series, linear: Series, directory: string, heldOut: HeldOut = {}): Chart[] {
  return TRAINED_KINDS.flatMap((kind) => {
    const path = join(directory, kind, 'metrics.jsonl');
    const points = existsSync(path) ? readMetrics(path) : [];
    if (points.length === 0) return [];
    const errors = heldOut[kind];
    const levels = errors
      ? [
          { series: NO_CHANGE, error: errors.noChange },
          { series: linear, error: errors.linear },
        ]
      : [];
    const shown = [own, ...levels.map(({ series }) => series)];
    return drawChart({
      title: `${own.name}: training, ${KIND_LABELS[kind]}`,
      caption: `Error on held-out runs${levels.length > 0 ? '; dashed: the levels to beat' : ''}.`,
      series: shown,
      table: {
        header: [{ text: 'epoch' }, ...shown.map((series) => ({ text: series.name, series }))],
        rows: points.map(({ epoch, error }) => ({
          cells: [epoch, error, ...levels.map((level) => level.error)].map((value, i) =>
            i === 0 ? String(value) : formatValue(value),
          ),
        })),
      },
      points: points.map(({ epoch, error }, row) => ({ row, series: own, x: epoch, y: error })),
      reading: 'x',
      labels:
        points.length === 1
          ? points.map(({ epoch, error }) => ({ series: own, x: epoch, y: error, text: formatValue(error) }))
          : [],
      options: {
        x: { label: 'epoch', ticks: epochTicks(points.map(({ epoch }) => epoch)), tickFormat: 'd' },
        y: { label: 'error', grid: true, ticks: 5 },
        marks: [
          ...levels.map(({ series, error }) =>
            Plot.ruleY([error], { stroke: colorOf(series), strokeDasharray: '4 3', ...markOf(series) }),
          ),
          points.length === 1
            ? Plot.dot(points, { x: 'epoch', y: 'error', fill: colorOf(own), r: 3.5, ...markOf(own) })
            : Plot.lineY(points, { x: 'epoch', y: 'error', stroke: colorOf(own), strokeWidth: 1.75, ...markOf(own) }),
        ],
      },
    });
  });
}
