// Plain-text tables for the terminal: first column to the left, numbers to the right.

/** One cell; numbers are printed as given, so round or format them before. */
export type Cell = string | number;

/** Two spaces between columns. */
const GAP = 2;

/** Columns [begin, end) of a table. */
type Span = [begin: number, end: number];

/** Splits columns into blocks that fit the width, each beside the `left` first columns. */
function splitColumns(widths: readonly number[], left: number, width: number): Span[] {
  const head = widths.slice(0, left).reduce((sum, own) => sum + own + GAP, 0);
  const spans: Span[] = [];
  let begin = left;
  while (begin < widths.length) {
    let used = head + widths[begin];
    let end = begin + 1;
    while (end < widths.length && used + GAP + widths[end] <= width) used += GAP + widths[end++];
    spans.push([begin, end]);
    begin = end;
  }
  return spans.length > 0 ? spans : [[left, left]];
}

/**
 * Lays rows out in columns, two spaces apart, under a header and a rule. A table that is wider than the terminal is printed in
 * several, one below the other, each with the first columns.
 *
 * @param left how many of the first columns are aligned left; default 1.
 * @param width characters of a line. Default: those of the terminal; elsewhere a table is never split.
 */
export function formatTable(
  header: readonly string[],
  rows: readonly (readonly Cell[])[],
  left = 1,
  width = (process.stdout.isTTY && process.stdout.columns) || Number.POSITIVE_INFINITY,
): string {
  const cells = [header, ...rows].map((row) => row.map(String));
  const widths = header.map((_, column) => Math.max(...cells.map((row) => (row[column] ?? '').length)));
  const blocks = splitColumns(widths, left, width).map(([begin, end]) => {
    const shown = [...widths.keys()].filter((column) => column < left || (column >= begin && column < end));
    const line = (row: readonly string[]) =>
      shown
        .map((i) => (i < left ? (row[i] ?? '').padEnd(widths[i]) : (row[i] ?? '').padStart(widths[i])))
        .join(' '.repeat(GAP))
        .trimEnd();
    const rule = shown.map((i) => '-'.repeat(widths[i])).join(' '.repeat(GAP));
    return [line(cells[0]), rule, ...cells.slice(1).map(line)].join('\n');
  });
  return blocks.join('\n\n');
}
