// Draws charts with Observable Plot, without a browser: static SVG whose colors are the page's variables, with the place of
// every value in the drawing and the table behind it.

import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { type Label, placeLabels } from './labels.js';
import { type Series, seriesClass } from './series.js';

const { document } = parseHTML('<!doctype html><html><body></body></html>');

/** Width of a chart in units of its drawing: a phone's, less its margins. Wider columns enlarge it. */
export const CHART_WIDTH = 380;
const HEIGHT = 250;
const MARGINS = { marginTop: 22, marginRight: 16, marginBottom: 40, marginLeft: 46 };

/** Numbers behind a chart. The first column says what a row is. */
export interface ChartTable {
  /** One cell a column; those of a series have its key. */
  header: { text: string; series?: Series }[];
  /** Empty cells: no value. */
  rows: { cells: string[]; series?: Series }[];
}

/** A value's place, in the units of the chart's scales. */
export interface ChartPoint {
  /** Of the table. */
  row: number;
  /** Series whose value it is; it is passed over while this is hidden. */
  series?: Series;
  x: number | string;
  y: number | string;
  fx?: number | string;
  fy?: number | string;
}

/** What to draw. */
export interface ChartSpec {
  title: string;
  /** One or two sentences on how to read it. */
  caption: string;
  /** Entries of the legend. */
  series: Series[];
  table: ChartTable;
  points: ChartPoint[];
  /** Direction in which a pointer finds the nearest value: along one axis, or both. */
  reading: 'x' | 'y' | 'xy';
  /** Texts beside values, moved apart where they would overlap. */
  labels?: Label[];
  options: Plot.PlotOptions;
}

/** A drawn chart. */
export interface Chart extends Omit<ChartSpec, 'points' | 'labels' | 'options'> {
  svg: Element;
  /** Values' places in units of the drawing. */
  places: { row: number; series?: Series; x: number; y: number }[];
}

/** Ticks of an axis of epochs: whole ones, about six at most. */
export function epochTicks(epochs: readonly number[]): number[] {
  const [first, last] = [Math.min(...epochs), Math.max(...epochs)];
  // The next of 1, 2, 5, 10, ... that makes six steps at most, however far the epochs of a file go.
  const power = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(1, last / 6 - first / 6))));
  const step =
    [1, 2, 5, 10].map((factor) => factor * power).find((size) => last / size - first / size <= 6) ?? 10 * power;
  const begin = Math.ceil(first / step);
  return Array.from({ length: Math.floor(last / step) - begin + 1 }, (_, i) => (begin + i) * step);
}

/** The options of a mark that belongs to a series. */
export function markOf(series: Series): { className: string } {
  return { className: seriesClass(series) };
}

/** Draws one chart. */
export function drawChart({ points, labels = [], options, ...rest }: ChartSpec): Chart {
  const given = { width: CHART_WIDTH, height: HEIGHT, ...MARGINS, ...options };
  const figure = Plot.plot({ ...given, ariaLabel: rest.title, document: document as unknown as Document });
  const along = (name: 'x' | 'y' | 'fx' | 'fy', value: number | string | undefined) => {
    const scale = value === undefined ? undefined : figure.scale(name);
    return scale ? scale.apply(value) + (scale.bandwidth && name.length === 1 ? scale.bandwidth / 2 : 0) : null;
  };
  const placeOf = ({ x, y, fx, fy }: Pick<ChartPoint, 'x' | 'y' | 'fx' | 'fy'>) => {
    const [left, top] = [along('fx', fx), along('fy', fy)];
    return {
      x: along('x', x)! + (left === null ? 0 : left - given.marginLeft!),
      y: along('y', y)! + (top === null ? 0 : top - given.marginTop!),
    };
  };
  for (const { text, x, y, anchor, series } of placeLabels(labels, placeOf, given.width!, given.height!)) {
    const element = document.createElementNS('http://www.w3.org/2000/svg', 'text');
    const attributes = { x, y, 'text-anchor': anchor, class: `label ${series ? seriesClass(series) : ''}`.trim() };
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
    element.textContent = text;
    figure.append(element as unknown as Node);
  }
  const places = points.map((point) => ({ row: point.row, series: point.series, ...placeOf(point) }));
  return { ...rest, svg: figure, places };
}
