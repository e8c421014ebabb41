// Charts of the errors that nowcasters had on held-out runs when they were trained, beside no change and a straight line.

import * as Plot from '@observablehq/plot';
import type { MethodDescription } from '../evaluation/schema.js';
import { TRAINED_KINDS, type TrainedKind } from '../nowcaster/spec.js';
import { type Chart, drawChart, markOf } from './chart.js';
import { formatValue } from './format.js';
import { KIND_LABELS } from './kinds.js';
import { marginFor, shorten } from './labels.js';
import { colorOf, NO_CHANGE, type Series } from './series.js';

/** Held-out errors by kind. */
export type HeldOut = NonNullable<MethodDescription['heldOut']>;

/**
 * Draws them; null without any.
 *
 * @param linear the straight line as the page knows it.
 */
export function drawTrainedErrors(own: Series, linear: Series, heldOut: HeldOut): Chart | null {
  const kinds = TRAINED_KINDS.filter((kind) => heldOut[kind]);
  if (kinds.length === 0) return null;
  const shown = [NO_CHANGE, linear, own];
  const errorOf = (series: Series, { noChange, linear, own: error }: NonNullable<HeldOut['conv']>) =>
    series === own ? error : series === NO_CHANGE ? noChange : linear;
  const bars = kinds.flatMap((kind, row) =>
    shown.map((series) => ({
      row,
      series,
      fy: KIND_LABELS[kind],
      y: series.name,
      x: errorOf(series, heldOut[kind]!),
    })),
  );
  return drawChart({
    title: `${own.name}: error on held-out runs`,
    caption: 'Mean absolute error in units of twice the window’s range, measured when it was trained.',
    series: shown,
    table: {
      header: [{ text: '' }, ...shown.map((series) => ({ text: series.name, series }))],
      rows: kinds.map((kind) => ({
        cells: [KIND_LABELS[kind], ...shown.map((series) => formatValue(errorOf(series, heldOut[kind]!)))],
      })),
    },
    points: bars,
    reading: 'y',
    labels: bars.map(({ series, x, y, fy }) => ({ series, x, y, fy, text: x.toFixed(3) })),
    options: {
      height: 56 + 84 * kinds.length,
      marginLeft: marginFor(shown.map(({ name }) => shorten(name))),
      marginRight: 48,
      x: { label: 'error', grid: true, ticks: 5 },
      y: { label: null, domain: shown.map(({ name }) => name), tickFormat: (name: string) => shorten(name) },
      fy: {
        label: null,
        axis: null,
        domain: kinds.map((kind) => KIND_LABELS[kind]),
        paddingInner: 0.3,
        paddingOuter: 0,
      },
      marks: [
        ...shown.map((series) =>
          Plot.barX(
            bars.filter((bar) => bar.series === series),
            {
              x: 'x',
              y: 'y',
              fy: 'fy',
              fill: colorOf(series),
              fillOpacity: 0.75,
              insetTop: 1,
              insetBottom: 1,
              ...markOf(series),
            },
          ),
        ),
        Plot.text(kinds, {
          text: (kind: TrainedKind) => KIND_LABELS[kind],
          fy: (kind: TrainedKind) => KIND_LABELS[kind],
          frameAnchor: 'top-left',
          dy: -9,
          fontWeight: 600,
        }),
        Plot.ruleX([0]),
      ],
    },
  });
}
