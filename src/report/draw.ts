// Draws with Observable Plot, without a browser: charts come out as static SVG whose colors are the page's variables, so
// that they follow its theme.

import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';

const { document } = parseHTML('<!doctype html><html><body></body></html>');

/** Width of a chart in CSS pixels; two stand side by side on a wide screen, one fills a phone's. */
const WIDTH = 440;

/** A drawn chart. */
export interface Chart {
  title: string;
  /** One sentence on how to read it; empty: nothing. */
  caption: string;
  /** The `<svg>` element. */
  svg: Element;
}

/** Colors that the page's style has for methods: enough for plain, the paper's baselines and three nowcasters. */
const METHOD_COLORS = 12;

/** Name in the page's style of the color of the method with that number. Gray, the first, is the baseline's alone. */
export function colorName(index: number): string {
  return `m${index === 0 ? 0 : 1 + ((index - 1) % (METHOD_COLORS - 1))}`;
}

/** Color of the method with that number in its evaluation. */
export function methodColor(index: number): string {
  return `var(--${colorName(index)})`;
}

/** Ticks of an axis of epochs: whole ones, about eight at most. */
export function epochTicks(epochs: readonly number[]): number[] {
  const [first, last] = [Math.min(...epochs), Math.max(...epochs)];
  const step = [1, 2, 5, 10, 20, 50, 100, 200, 500].find((size) => (last - first) / size <= 8) ?? 1000;
  const ticks: number[] = [];
  for (let tick = Math.ceil(first / step) * step; tick <= last; tick += step) ticks.push(tick);
  return ticks;
}

/**
 * Draws one chart.
 *
 * @param label what the chart shows, for screen readers.
 */
export function drawChart(title: string, caption: string, options: Plot.PlotOptions): Chart {
  const figure = Plot.plot({
    width: WIDTH,
    height: 260,
    marginTop: 26,
    marginLeft: 48,
    marginBottom: 42,
    ...options,
    ariaLabel: title,
    document: document as unknown as Document,
  });
  return { title, caption, svg: figure };
}
