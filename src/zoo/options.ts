// The options of architectures: what each one declares, and their values as a part of a task's name. No networks here.

import { UsageError } from '../errors.js';

/** Value of an option. */
export type OptionValue = number | boolean;

/** Values of an architecture's options by name. */
export type ArchitectureOptions = Readonly<Record<string, OptionValue>>;

/** An option that an architecture declares. */
export type ArchitectureOption = {
  /** What it sets, with its unit. */
  readonly describe: string;
} & (
  | {
      readonly default: number;
      /** Smallest and largest value. */
      readonly least: number;
      readonly most: number;
      /** Whether only whole numbers are allowed. Default false. */
      readonly whole?: boolean;
    }
  | { readonly default: boolean }
);

/** Declared options by name. */
export type DeclaredOptions = Readonly<Record<string, ArchitectureOption>>;

/** The option that every architecture has. */
export const WIDTH = {
  describe: 'factor on the number of channels and hidden units',
  default: 1,
  least: 0.125,
  most: 4,
} as const satisfies ArchitectureOption;

/**
 * The values of all declared options, defaults filled in, in the order of their declaration.
 *
 * @param architecture its name, for errors.
 * @throws {@link UsageError} for an unknown option or a value out of range.
 */
export function completeOptions(
  architecture: string,
  declared: DeclaredOptions,
  given: Readonly<Record<string, unknown>>,
): ArchitectureOptions {
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(declared, name)) continue;
    const known = Object.entries(declared).map(([option, { describe }]) => `${option} (${describe})`);
    throw new UsageError({
      what: `${architecture} has no option ${name.slice(0, 40)}`,
      where: `${architecture}?${name.slice(0, 40)}`,
      remedy: `it has ${known.join(', ')}`,
    });
  }
  return Object.fromEntries(
    Object.entries(declared).map(([name, option]) => [
      name,
      checkValue(architecture, name, option, given[name] ?? option.default),
    ]),
  );
}

function checkValue(architecture: string, name: string, option: ArchitectureOption, value: unknown): OptionValue {
  const refuse = (remedy: string): never => {
    throw new UsageError({ what: `${name} of ${architecture} out of range`, where: String(value), remedy });
  };
  if (!('least' in option)) return typeof value === 'boolean' ? value : refuse('give true or false');
  const { least, most, whole = false } = option;
  if (typeof value === 'number' && value >= least && value <= most && (!whole || Number.isInteger(value))) return value;
  return refuse(`give ${whole ? 'a whole number from ' : ''}${least} to ${most}`);
}

/** The options that differ from their defaults, as the end of a task's name: `?depth=4&heads=2`, or nothing. */
export function formatOptions(declared: DeclaredOptions, options: ArchitectureOptions): string {
  const changed = Object.keys(declared).filter((name) => name in options && options[name] !== declared[name].default);
  return changed.length === 0 ? '' : `?${changed.map((name) => `${name}=${options[name]}`).join('&')}`;
}

/**
 * Reads what {@link formatOptions} writes. Values are checked by {@link completeOptions}.
 *
 * @param text without the question mark.
 * @param where the whole name, for errors.
 * @throws {@link UsageError} for a part that is not `NAME=VALUE`, or a name that stands twice.
 */
export function parseOptions(text: string, where: string): Record<string, OptionValue> {
  const options: Record<string, OptionValue> = {};
  for (const part of text.split('&')) {
    const [, name, word] = /^(\w+)=(\S+)$/.exec(part) ?? [];
    const value = word === 'true' || word === 'false' ? word === 'true' : Number(word);
    if (name === undefined || Object.hasOwn(options, name) || Number.isNaN(value)) {
      throw new UsageError({
        what: `cannot read the option ${part || '(empty)'}`,
        where,
        remedy: 'write NAME=VALUE once for each option, e.g. text/gpt?depth=4&heads=2',
      });
    }
    options[name] = value;
  }
  return options;
}
