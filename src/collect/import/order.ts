// In which order checkpoints stand in a run.

import { UsageError } from '../../errors.js';
import { compareNaturally } from '../../naturalOrder.js';

/** How checkpoints are ordered: by the number in their names, by name, or as they were given. */
export const IMPORT_ORDERS = ['number', 'name', 'given'] as const;
export type ImportOrder = (typeof IMPORT_ORDERS)[number];

/** The whole numbers in a name, last first. `0.52` is a decimal, and so the value of a metric rather than an epoch. */
function wholeNumbers(name: string): number[] {
  const numbers = name.match(/\d+(\.\d+)?/g) ?? [];
  return numbers
    .filter((number) => !number.includes('.'))
    .map(Number)
    .reverse();
}

/**
 * The number of each name that tells them apart: the last whole number that differs in all of them.
 *
 * @param names of checkpoints, without the endings that tell their format.
 * @returns null when there is no such number.
 */
export function findNumbers(names: readonly string[]): number[] | null {
  const all = names.map(wholeNumbers);
  const columns = Math.min(...all.map(({ length }) => length));
  for (let column = 0; column < columns; column++) {
    const numbers = all.map((row) => row[column]);
    if (new Set(numbers).size === numbers.length) return numbers;
  }
  return null;
}

/** Checkpoints in order, with their numbers where they were ordered by them. */
export interface Ordered<T> {
  items: T[];
  numbers: number[] | null;
}

/**
 * Brings checkpoints into the order of their run.
 *
 * @throws {@link UsageError} when their names hold no number that tells them apart.
 */
export function orderByName<T extends { name: string; path: string }>(items: T[], order: ImportOrder): Ordered<T> {
  switch (order) {
    case 'given':
      return { items, numbers: null };
    case 'name':
      return { items: items.toSorted((a, b) => compareNaturally(a.name, b.name)), numbers: null };
    case 'number': {
      const numbers = findNumbers(items.map(({ name }) => name));
      if (numbers === null) {
        throw new UsageError({
          what: 'no number in the names tells the checkpoints apart',
          where: `${items[0].path} ... ${items[items.length - 1].path}`,
          remedy: 'order them with --order name, or with --order given as they stand on the command line',
        });
      }
      const places = items.map((_, i) => i).sort((a, b) => numbers[a] - numbers[b]);
      return { items: places.map((i) => items[i]), numbers: places.map((i) => numbers[i]) };
    }
    default:
      return order satisfies never;
  }
}
