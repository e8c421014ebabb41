// The error for an unknown name, which suggests the nearest name and lists all known ones.

import { UnknownNameError } from './errors.js';

/**
 * Creates the error for an unknown name.
 *
 * @param sort what is named, e.g. `task`.
 * @param known all names, including aliases.
 * @param list the names as they are listed, e.g. with what aliases stand for. Default: `known`.
 */
export function unknownName(
  sort: string,
  name: string,
  known: readonly string[],
  list: readonly string[] = known,
): UnknownNameError {
  const meant = nearestName(name, known);
  return new UnknownNameError({
    what: `unknown ${sort}`,
    where: name === '' ? '(empty)' : name,
    remedy: `${meant === undefined ? '' : `did you mean ${meant}? `}known: ${list.join(', ')}`,
  });
}

/** The name that was probably meant; undefined when none is close. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  if (known.length === 0) return undefined;
  const ranked = known.map((candidate) => ({ candidate, distance: editDistance(name.toLowerCase(), candidate) }));
  const nearest = ranked.reduce((best, entry) => (entry.distance < best.distance ? entry : best));
  return nearest.distance <= Math.max(2, name.length / 3) ? nearest.candidate : undefined;
}

/** Levenshtein's distance: insertions, deletions and substitutions from `a` to `b`. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substituted = row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substituted, row[j] + 1, next[j - 1] + 1));
    }
    row = next;
  }
  return row[b.length];
}
