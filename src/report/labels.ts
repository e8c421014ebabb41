// Texts in charts: names that fit, and labels beside values that do not overlap.

import type { Series } from './series.js';

/** Width of a character and height of a line, about, in units of the drawing. */
const CHARACTER = 6.6;
const LINE = 13;
/** Distance of a label from its value. */
const GAP = 7;

/** A text beside a value, in the units of the chart's scales. */
export interface Label {
  text: string;
  x: number | string;
  y: number | string;
  fy?: number | string;
  series?: Series;
  /** Left of its value, though there is room on the right. */
  before?: boolean;
}

/** A label's place in the drawing; `y` is the text's baseline. */
export interface PlacedLabel {
  text: string;
  x: number;
  y: number;
  anchor: 'start' | 'end';
  series?: Series;
}

/** A name of at most so many characters, with an ellipsis in the middle of a longer one. */
export function shorten(name: string, length = 20): string {
  if (name.length <= length) return name;
  const head = Math.ceil((length - 1) * 0.6);
  return `${name.slice(0, head)}…${name.slice(name.length - (length - 1 - head))}`;
}

/** A margin that holds the longest of the names. */
export function marginFor(names: readonly string[]): number {
  return Math.ceil(Math.max(...names.map(({ length }) => length), 4) * CHARACTER) + 14;
}

/**
 * Moves labels that stand at the same height apart, downward in the order of their values. A label that would leave the
 * drawing on the right stands left of its value.
 */
export function placeLabels(
  labels: readonly Label[],
  placeOf: (label: Label) => { x: number; y: number },
  width: number,
  height: number,
): PlacedLabel[] {
  const places = labels.map((label) => {
    const { x, y } = placeOf(label);
    const length = label.text.length * CHARACTER;
    const fits = !label.before && x + GAP + length <= width;
    const left = fits ? x + GAP : x - GAP - length;
    return { label, y, left, right: left + length, anchor: fits ? ('start' as const) : ('end' as const), x };
  });
  places.sort((a, b) => a.y - b.y);
  const overlapping = (a: (typeof places)[number], b: (typeof places)[number]) =>
    a.left < b.right && b.left < a.right && Math.abs(a.y - b.y) < LINE - 0.5;
  const set: typeof places = [];
  for (const place of places) {
    for (
      let other = set.find((entry) => overlapping(entry, place));
      other;
      other = set.find((entry) => overlapping(entry, place))
    )
      place.y = other.y + LINE;
    set.push(place);
  }
  // What left the drawing below is pushed back, and pushes what is above it.
  let limit = height - 2;
  for (const place of [...set].sort((a, b) => b.y - a.y)) {
    if (place.y <= limit) continue;
    place.y = limit;
    limit -= LINE;
  }
  return set.map(({ label: { text, series }, x, y, anchor }) => ({
    text,
    series,
    anchor,
    x: x + (anchor === 'start' ? GAP : -GAP),
    y: y + 4,
  }));
}
