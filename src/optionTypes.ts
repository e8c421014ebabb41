// The check of an options object: it has only options that exist, since a misspelt one would silently have its default, those
// that are needed, and values of their type, since a string in the place of `false` would switch on what it was to switch off.
// valibot, which checks files, is left out of the callback's package: this check takes 2 kB of it.

import { UsageError } from './errors.js';
import { unknownName } from './nearestName.js';

type KeyOf<T> = T extends unknown ? keyof T : never;

/** The type of an option's values, and how it is called: `true or false`. */
export interface OptionType {
  readonly name: string;
  readonly holds: (value: unknown) => boolean;
  /** Whether the option is needed. Default false. */
  readonly needed?: true;
}

/** The types of all options of an interface. A list that lacks one of them, or has another, does not compile. */
export type OptionTypes<T> = { readonly [K in KeyOf<T>]-?: OptionType };

const typeOf = (type: string, name: string): OptionType => ({ name, holds: (value) => typeof value === type });

export const TEXT = typeOf('string', 'a string');
export const NUMBER = typeOf('number', 'a number');
export const FLAG = typeOf('boolean', 'true or false');
export const FUNCTION = typeOf('function', 'a function');
/** An object that has a check of its own. */
export const OBJECT: OptionType = { name: 'an object', holds: isObject };
/** What has a check where it is used. */
export const ANYTHING: OptionType = { name: 'anything', holds: () => true };

/** An object of these fields, which has a check of its own. */
export function objectOf(...fields: readonly string[]): OptionType {
  return { name: `{ ${fields.join(', ')} }`, holds: isObject };
}

/** A list of values of a type. */
export function listOf(type: OptionType): OptionType {
  return {
    name: `a list, each of it ${type.name}`,
    holds: (value) => Array.isArray(value) && value.every((item) => type.holds(item)),
  };
}

/** One of some values. */
export function oneOf(...values: readonly string[]): OptionType {
  return {
    name: values.map((value) => `'${value}'`).join(' or '),
    holds: (value) => values.includes(value as string),
  };
}

/** A value of any of some types. */
export function either(...types: readonly OptionType[]): OptionType {
  return {
    name: types.map(({ name }) => name).join(', or '),
    holds: (value) => types.some((type) => type.holds(value)),
  };
}

/** An option that has no default. */
export function needed(type: OptionType): OptionType {
  return { ...type, needed: true };
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A value as it was given, short: `'off'`, `3`, `null`, `a list`. */
export function showValue(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`;
  if (typeof value === 'function') return 'a function';
  if (Array.isArray(value)) return `[${value.slice(0, 5).map(showValue).join(', ')}${value.length > 5 ? ', ...' : ''}]`;
  if (isObject(value)) {
    const { name } = (value as object).constructor ?? { name: 'Object' };
    return name === 'Object'
      ? `{ ${Object.keys(value as object)
          .slice(0, 5)
          .join(', ')} }`
      : `a ${name}`;
  }
  return String(value);
}

/**
 * Checks the names and types of options. Ranges, and which options go together, are the concern of what has them.
 *
 * @param owner what has the options, e.g. `WeightForecasting`.
 * @throws UnknownNameError for an option that does not exist, with the nearest name and all others; {@link UsageError} for a
 *   value of another type, and for an option that is needed and missing. An undefined option is a missing one.
 */
export function requireOptions<T extends object>(owner: string, options: T, types: OptionTypes<T>): void {
  const known = Object.entries<OptionType>(types);
  if (!isObject(options))
    throw new UsageError({
      what: `the options of ${owner} are an object`,
      where: showValue(options),
      remedy: `write e.g. { ${known[0][0]}: ... }`,
    });
  const names = known.map(([name]) => name);
  for (const name of Object.keys(options))
    if (!names.includes(name)) throw unknownName(`option of ${owner}`, name, names);
  for (const [name, { name: type, holds }] of known) {
    const value = options[name as keyof T];
    if (value !== undefined && !holds(value))
      throw new UsageError({
        what: `the option ${name} of ${owner} is not ${type}`,
        where: `${name}: ${showValue(value)}`,
        remedy: `give ${type}`,
      });
  }
  for (const [name, type] of known)
    if (type.needed && options[name as keyof T] === undefined)
      throw new UsageError({ what: `${owner} needs the option ${name}`, where: owner, remedy: `give ${type.name}` });
}
