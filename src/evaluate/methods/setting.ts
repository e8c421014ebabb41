// Settings of methods, `key=value` behind the `?` of a method's text: how one is declared, and the usual sorts of values.

/** A setting's value in a method's data. Its text (`String(value)`) parses to the value again. */
export type SettingValue = number | string | boolean;

/** A setting that a method declares. */
export interface MethodSetting<T extends SettingValue = SettingValue> {
  /** What it is, for `--help`: one line. */
  readonly describe: string;
  /** Which values it takes, for people, as the end of "give ...": `a number above 0`. */
  readonly values: string;
  /** Its value where none is given; undefined: the method's data then lack it. */
  readonly default?: T;
  /** The value of a text, or null when it has none. */
  parse(text: string): T | null;
  /** What a value adds to the name of a method that has none of its own. Default: key and value, `k10`. */
  nameOf?(value: T): string;
}

/** The declarations of a method's settings by name. */
export type MethodSettings<S extends object = object> = {
  readonly [K in keyof S]-?: MethodSetting<Extract<S[K], SettingValue>>;
};

/** Limits of a number, as far as given. */
interface NumberLimits {
  from?: number;
  to?: number;
  above?: number;
  below?: number;
  /** Only whole numbers. */
  whole?: boolean;
  default?: number;
}

function describeLimits({ from, to, above, below, whole = false }: NumberLimits): string {
  const limits = { from, above, 'up to': to, below };
  const parts = Object.entries(limits).flatMap(([word, limit]) => (limit === undefined ? [] : [`${word} ${limit}`]));
  return [whole ? 'a whole number' : 'a number', ...parts].join(' ');
}

/** A setting that takes finite numbers within limits. */
export function numberSetting(describe: string, limits: NumberLimits = {}): MethodSetting<number> {
  const { from = -Infinity, to = Infinity, above = -Infinity, below = Infinity, whole = false } = limits;
  return {
    describe,
    values: describeLimits(limits),
    default: limits.default,
    parse(text) {
      const value = text.trim() === '' ? Number.NaN : Number(text);
      const valid = Number.isFinite(value) && value >= from && value <= to && value > above && value < below;
      return valid && (!whole || Number.isSafeInteger(value)) ? value : null;
    },
  };
}

/** A setting that is on or off. */
export function flagSetting(describe: string, byDefault?: boolean): MethodSetting<boolean> {
  return {
    describe,
    values: 'true or false',
    default: byDefault,
    parse: (text) => (text === 'true' ? true : text === 'false' ? false : null),
  };
}

/** A setting that takes one of several words. */
export function choiceSetting<T extends string>(
  describe: string,
  choices: readonly T[],
  byDefault?: T,
): MethodSetting<T> {
  return {
    describe,
    values: choices.join(' or '),
    default: byDefault,
    parse: (text) => choices.find((choice) => choice === text) ?? null,
  };
}
