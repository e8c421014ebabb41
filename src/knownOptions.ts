// The check that an options object has only options that exist: a misspelt one would silently have its default.

import { unknownName } from './tasks/nearestName.js';

type KeyOf<T> = T extends unknown ? keyof T : never;

/** The names of all options of a type. A list that lacks one of them, or has another, does not compile. */
export type OptionNames<T> = { readonly [K in KeyOf<T>]-?: true };

/**
 * Refuses options that do not exist.
 *
 * @param owner what has the options, e.g. `WeightForecasting`.
 * @throws UnknownNameError with the nearest name and all others.
 */
export function requireKnownOptions<T extends object>(owner: string, options: T, names: OptionNames<T>): void {
  const known = Object.keys(names);
  for (const name of Object.keys(options))
    if (!known.includes(name)) throw unknownName(`option of ${owner}`, name, known);
}
