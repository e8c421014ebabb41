// Charts of how the nowcasters were trained: the held-out error of each kind beside no change and a straight line, and,
// where the training's own directory is at hand, its course.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as Plot from '@observablehq/plot';
import { CorruptFileError } from '../errors.js';
import type { MethodDescription } from '../evaluation/schema.js';
import { parseJson } from '../formats/parseJson.js';
import { TRAINED_KINDS } from '../nowcaster/spec.js';
import { type Chart, drawChart } from './draw.js';

/** Colors of a nowcaster and of a straight line, as they are elsewhere on the page. */
export interface TrainingColors {
  own: string;
  linear: string;
}

type HeldOut = NonNullable<MethodDescription['heldOut']>;

/** Held-out errors by kind; nothing for methods without. */
export function drawTrainedErrors(name: string, heldOut: HeldOut, colors: TrainingColors): Chart[] {
  const rows = TRAINED_KINDS.flatMap((kind) => {
    const errors = heldOut[kind];
    if (!errors) return [];
    const { noChange, linear, own } = errors;
    return [
      { kind, forecast: 'no change', error: noChange },
      { kind, forecast: 'linear', error: linear },
      { kind, forecast: name, error: own },
    ];
  });
  if (rows.length === 0) return [];
  const fill = (d: (typeof rows)[number]) =>
    d.forecast === name ? colors.own : d.forecast === 'linear' ? colors.linear : 'var(--muted)';
  const chart = drawChart(
    `${name}: error on held-out runs`,
    'Mean absolute error in units of twice the window’s range, measured when it was trained.',
    {
      marginLeft: 90,
      marginRight: 44,
      x: { label: 'error', grid: true },
      y: { label: null, domain: ['no change', 'linear', name] },
      fy: { label: null, domain: TRAINED_KINDS, padding: 0.15 },
      color: { type: 'identity' },
      marks: [
        Plot.barX(rows, { x: 'error', y: 'forecast', fy: 'kind', fill }),
        Plot.text(rows, {
          x: 'error',
          y: 'forecast',
          fy: 'kind',
          text: (d: (typeof rows)[number]) => d.error.toFixed(3),
          textAnchor: 'end',
          dx: -4,
          fill: 'var(--back)',
        }),
        Plot.ruleX([0]),
      ],
    },
  );
  return [chart];
}

/** One line of a training's `<kind>/metrics.jsonl`, as far as it is drawn. */
interface MetricsPoint {
  epoch: number;
  /** Null where it was not finite. */
  validationError: number | null;
}

function readMetrics(path: string): MetricsPoint[] {
  const lines = readFileSync(path, 'utf8').split('\n').filter(Boolean);
  return lines.map((line, i) => {
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
}

/**
 * The course of a training, one chart a kind, with the levels of no change and a straight line.
 *
 * @param directory what `wnn train --out` wrote.
 */
export function drawTrainingCourses(
  name: string,
  directory: string,
  heldOut: HeldOut = {},
  colors: TrainingColors,
): Chart[] {
  return TRAINED_KINDS.flatMap((kind) => {
    const path = join(directory, kind, 'metrics.jsonl');
    if (!existsSync(path)) return [];
    const points = readMetrics(path).filter(({ validationError }) => validationError !== null);
    if (points.length === 0) return [];
    const levels = heldOut[kind];
    const marks: Plot.Markish[] = [
      Plot.lineY(points, { x: 'epoch', y: 'validationError', stroke: colors.own, strokeWidth: 1.75 }),
    ];
    if (levels)
      marks.push(
        Plot.ruleY([levels.noChange], { stroke: 'var(--muted)', strokeDasharray: '4 3' }),
        Plot.ruleY([levels.linear], { stroke: colors.linear, strokeDasharray: '4 3' }),
      );
    return drawChart(
      `${name}: training of ${kind}`,
      levels ? 'Error on held-out runs; dashed: no change (gray) and a straight line.' : 'Error on held-out runs.',
      { x: { label: 'epoch' }, y: { label: 'error', grid: true }, marks },
    );
  });
}
