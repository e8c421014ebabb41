// Plain-text tables for the terminal: first column to the left, numbers to the right.

/** One cell; numbers are printed as given, so round or format them before. */
export type Cell = string | number;

/**
 * Lays rows out in columns, two spaces apart, under a header and a rule.
 *
 * @param left how many of the first columns are aligned left; default 1.
 */
export function formatTable(header: readonly string[], rows: readonly (readonly Cell[])[], left = 1): string {
  const cells = [header, ...rows].map((row) => row.map(String));
  const widths = header.map((_, column) => Math.max(...cells.map((row) => (row[column] ?? '').length)));
  const line = (row: readonly string[]) =>
    widths
      .map((width, i) => (i < left ? (row[i] ?? '').padEnd(width) : (row[i] ?? '').padStart(width)))
      .join('  ')
      .trimEnd();
  return [line(cells[0]), widths.map((width) => '-'.repeat(width)).join('  '), ...cells.slice(1).map(line)].join('\n');
}
