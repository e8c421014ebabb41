// Numbers as the page writes them.

/** Four significant digits, without zeros that say nothing; powers of ten for the very large and small. */
export function formatValue(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e6 || size < 1e-4)) return value.toExponential(2);
  return String(Number(value.toPrecision(4)));
}

/** A span of values; one alone where both ends are the same. */
export function formatSpan(low: number, high: number): string {
  const [from, to] = [formatValue(low), formatValue(high)];
  return from === to ? from : `${from} to ${to}`;
}

/** A unit of time that suits the longest of the times. */
export function timeUnit(longest: number): { name: string; seconds: number } {
  if (longest >= 3 * 3600) return { name: 'hours', seconds: 3600 };
  return longest >= 300 ? { name: 'minutes', seconds: 60 } : { name: 'seconds', seconds: 1 };
}
