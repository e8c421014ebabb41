// The text of a method on the command line, `TYPE[:ARGUMENT][?KEY=VALUE&KEY=VALUE]`: split into its parts, settings read and
// written. Which types there are is the registry's.

import { UsageError } from '../../errors.js';
import { unknownName } from '../../nearestName.js';
import type { MethodSetting, SettingValue } from './setting.js';

/** Key of the setting that names a method; every method takes it, and declares it not. */
export const NAME_KEY = 'name';

/** The parts of a method's text. */
export interface MethodText {
  type: string;
  /** What followed the colon; empty without one. */
  argument: string;
  /** Texts of the settings by key, in the order given. */
  settings: ReadonlyMap<string, string>;
}

/** Settings with their values, as they stand in a method's data. */
export type SettingValues = Record<string, SettingValue>;

/** Declared settings by key. */
export type DeclaredSettings = Readonly<Record<string, MethodSetting>>;

/**
 * Splits a method's text. The settings begin at the last `?`.
 *
 * @throws {@link UsageError} for settings that are not `KEY=VALUE` joined by `&`, or a key that is given twice.
 */
export function splitMethodText(text: string): MethodText {
  const mark = text.lastIndexOf('?');
  const head = mark < 0 ? text : text.slice(0, mark);
  const settings = new Map<string, string>();
  for (const part of mark < 0 ? [] : text.slice(mark + 1).split('&')) {
    const [, key, value] = /^([^=]+)=(.*)$/s.exec(part) ?? [];
    if (key === undefined || settings.has(key))
      throw new UsageError({
        what: key === undefined ? `not a setting: ${part || '(empty)'}` : `two values for the setting ${key}`,
        where: text,
        remedy: 'give TYPE?KEY=VALUE&KEY=VALUE',
      });
    settings.set(key, value);
  }
  const colon = head.indexOf(':');
  const [type, argument] = colon < 0 ? [head, ''] : [head.slice(0, colon), head.slice(colon + 1)];
  return { type, argument, settings };
}

/**
 * The values of settings from their texts, defaults filled in. In the order of the declarations, so that the same settings give
 * the same data.
 *
 * @throws {@link UsageError} for an unknown key, naming the nearest, or an impossible value.
 */
export function readSettings(
  texts: ReadonlyMap<string, string>,
  declared: DeclaredSettings,
  type: string,
): SettingValues {
  for (const key of texts.keys())
    if (!Object.hasOwn(declared, key))
      throw unknownName(`setting of ${type}`, key, [...Object.keys(declared), NAME_KEY]);
  const values: SettingValues = {};
  for (const [key, setting] of Object.entries(declared)) {
    const text = texts.get(key);
    const value = text === undefined ? (setting.default ?? null) : setting.parse(text);
    if (value !== null) values[key] = value;
    else if (text !== undefined)
      throw new UsageError({
        what: `impossible ${key}`,
        where: `${type}?${key}=${text}`,
        remedy: `give ${setting.values}`,
      });
  }
  return values;
}

/** The settings of untrusted data; null unless {@link readSettings} could have made them. */
export function checkSettings(data: Readonly<Record<string, unknown>>, declared: DeclaredSettings) {
  const values: SettingValues = {};
  for (const [key, setting] of Object.entries(declared)) {
    const value = data[key];
    if (value === undefined && setting.default === undefined) continue;
    if (setting.parse(String(value)) !== value) return null;
    values[key] = value as SettingValue;
  }
  return values;
}

/** The settings that a method's data hold. */
export function pickSettings(method: Readonly<Record<string, unknown>>, declared: DeclaredSettings): SettingValues {
  const held = Object.keys(declared).filter((key) => method[key] !== undefined);
  return Object.fromEntries(held.map((key) => [key, method[key] as SettingValue]));
}

/** The settings of a method that differ from their defaults. */
export function changedSettings(method: Readonly<Record<string, unknown>>, declared: DeclaredSettings): SettingValues {
  const held = Object.entries(pickSettings(method, declared));
  return Object.fromEntries(held.filter(([key, value]) => value !== declared[key].default));
}

/** The text of settings behind a method: `?KEY=VALUE&KEY=VALUE`, or nothing. */
export function printSettings(values: SettingValues): string {
  const parts = Object.entries(values).map(([key, value]) => `${key}=${value}`);
  return parts.length === 0 ? '' : `?${parts.join('&')}`;
}

/** What settings add to a method's name: `+k10`, `+nesterov`, `+no-nesterov`, `+ema0.99`. */
export function nameSettings(values: SettingValues, declared: DeclaredSettings): string {
  const name = ([key, value]: [string, SettingValue]) => {
    const { nameOf } = declared[key];
    if (nameOf !== undefined) return nameOf(value);
    return typeof value === 'boolean' ? `${value ? '' : 'no-'}${key}` : `${key}${value}`;
  };
  return Object.entries(values)
    .map((entry) => `+${name(entry).replace(/[^\w.+-]+/g, '-')}`)
    .join('');
}
