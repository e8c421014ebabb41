// Who is drawn: methods and what stands beside them, each with one color on the whole page.

/** Colors that the page's style has for methods. */
const COLORS = 12;

/** What a line, a bar or a row of a chart belongs to. */
export interface Series {
  /** Number of the method in the evaluation, 0 for the baseline; a word for what is no method of it. */
  key: number | 'no-change' | 'linear' | 'other';
  name: string;
}

/** Name in the page's style of a series' color. Gray, the first, is the baseline's alone. */
export function colorName({ key }: Series): string {
  if (typeof key === 'string') return 'none';
  return `m${key === 0 ? 0 : 1 + ((key - 1) % (COLORS - 1))}`;
}

/** The color for the marks of a chart: a variable of the page's style, so that it follows the theme. */
export function colorOf(series: Series): string {
  return `var(--${colorName(series)})`;
}

/** Class of a series' marks, by which the legend hides them. */
export function seriesClass({ key }: Series): string {
  return `s-${key}`;
}

/** The methods of an evaluation as series. */
export function seriesOf(methods: readonly { name: string }[]): Series[] {
  return methods.map(({ name }, key) => ({ key, name }));
}

/** To forecast that nothing changes: what every forecaster has to beat. */
export const NO_CHANGE: Series = { key: 'no-change', name: 'no change' };
