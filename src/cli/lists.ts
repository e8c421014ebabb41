// Options that take several values. All are given alike: with spaces or commas between, or by repeating the option.

import type { Options } from 'yargs';
import { UsageError } from '../errors.js';

/** What the coercions below made: main.ts tells by it a list from an option that was given twice. */
const lists = new WeakSet<object>();

/** Whether a value is that of an option that may be given several times. */
export const isList = (value: object): boolean => lists.has(value);

/** The values of words such as `a,b` and `c`. */
export function splitList(words: string | number | readonly (string | number)[]): string[] {
  const values = [words]
    .flat()
    .flatMap((word) => String(word).split(','))
    .map((value) => value.trim())
    .filter((value) => value !== '');
  lists.add(values);
  return values;
}

/** A positional that takes several paths, in which a comma is a comma. */
export function pathList(words: string[]): string[] {
  lists.add(words);
  return words;
}

/** An option that takes several values. */
export function listOption<T extends Options>(rest: T) {
  return { ...rest, type: 'string', array: true, requiresArg: true, coerce: splitList } as const;
}

/** An option that takes several numbers. `name` is the option's, for the error. */
export function numbersOption<T extends Options>(name: string, rest: T) {
  const coerce = (words: string | number | readonly (string | number)[]): number[] => {
    const numbers = splitList(words).map((text) => {
      const number = Number(text);
      if (Number.isFinite(number)) return number;
      throw new UsageError({ what: 'not a number', where: `--${name} ${text}`, remedy: 'give numbers, e.g. 1,2,3' });
    });
    lists.add(numbers);
    return numbers;
  };
  return { ...rest, type: 'string', array: true, requiresArg: true, coerce } as const;
}

/**
 * The values of each name in `name=a,b` and `other=c`; a value without a name belongs to the name before it.
 *
 * @param option for the error, e.g. `--grid`.
 */
export function groupList(values: readonly string[], option: string): Record<string, string[]> {
  const groups: Record<string, string[]> = {};
  let name: string | undefined;
  for (const value of values) {
    const [, given, first] = /^([\w-]+)=(.*)$/.exec(value) ?? [];
    name = given ?? name;
    if (name === undefined)
      throw new UsageError({ what: `cannot read ${value}`, where: option, remedy: 'write NAME=VALUE' });
    groups[name] ??= [];
    groups[name].push(given === undefined ? value : first);
  }
  return groups;
}
