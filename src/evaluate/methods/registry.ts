// The registry of methods: the toolkit's, and those of user modules.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { type Averaging, parseAveraging, printAveraging } from '../../callback/averages/index.js';
import { MissingFileError, UsageError } from '../../errors.js';
import type { DescribedMethod, Method } from '../../evaluation/schema.js';
import { unknownName } from '../../nearestName.js';
import { findOptimizer } from '../../tasks/optimizer.js';
import type { OptimizerInfo } from '../../trajectory/schema.js';
import { applyToOptimizer, COMMON_SETTINGS, type CommonSettings, VALIDATE_KEY } from './commonSettings.js';
import type { MethodDefinition } from './definition.js';
import { BASELINE, METHODS } from './index.js';
import {
  changedSettings,
  type DeclaredSettings,
  NAME_KEY,
  nameSettings,
  pickSettings,
  printSettings,
  readSettings,
  type SettingValues,
  splitMethodText,
} from './text.js';

/** Where a method comes from. */
interface Entry {
  definition: MethodDefinition;
  /** SHA-256 of the module's file; undefined for the toolkit's own. */
  moduleHash?: string;
}

const NAME_PATTERN = /^\w[\w.+-]{0,99}$/;
const TYPE_PATTERN = /^[a-z][a-z0-9-]{0,49}$/;

const entries = new Map<string, Entry>(METHODS.map((definition) => [definition.type, { definition }]));

/** Command-line syntax of all methods but the baseline. */
export function methodWords(): string[] {
  return [...entries.values()]
    .filter(({ definition }) => definition !== BASELINE)
    .map(({ definition: { type, argument } }) => (argument === undefined ? type : `${type}:${argument}`));
}

function findEntry(type: string): Entry {
  const entry = entries.get(type);
  if (entry !== undefined) return entry;
  throw unknownName('method', String(type), methodWords());
}

/**
 * The definition of a method's type.
 *
 * @throws {@link UsageError} naming the known ones when there is none.
 */
export function findMethod(type: string): MethodDefinition {
  return findEntry(type).definition;
}

/** Whether there is a method of a type. */
export function isMethodType(type: string): boolean {
  return entries.has(type);
}

/** SHA-256 of the module that defines a type; undefined for the toolkit's own. */
export function moduleHashOf(type: string): string | undefined {
  return findEntry(type).moduleHash;
}

/**
 * Adds the methods of modules from outside of the toolkit to those of this process. Their code runs with all rights of the
 * process: name only what you trust. A module that is already there is left as it is.
 *
 * @param modules paths or `file:` addresses of ES modules whose default export is a {@link MethodDefinition}.
 * @returns the modules' addresses.
 * @throws {@link MissingFileError} when there is no such file; {@link UsageError} when it exports no method, or one whose type
 * another has.
 */
export async function loadMethodModules(modules: readonly string[]): Promise<string[]> {
  const addresses = modules.map((module) =>
    module.startsWith('file:') ? module : pathToFileURL(resolve(module)).href,
  );
  for (const address of addresses) {
    const where = fileURLToPath(address);
    let bytes: Buffer;
    try {
      bytes = readFileSync(where);
    } catch (cause) {
      throw new MissingFileError({ what: 'no such module', where, remedy: 'check --method-module', cause });
    }
    const { default: definition } = (await import(address)) as { default?: MethodDefinition };
    if (typeof definition?.describe !== 'function' || !TYPE_PATTERN.test(definition.type))
      throw new UsageError({ what: 'exports no method', where, remedy: 'export a MethodDefinition as its default' });
    const { type } = definition;
    if (entries.get(type)?.definition === definition) continue;
    if (entries.has(type))
      throw new UsageError({ what: `there is a method ${type} already`, where, remedy: 'give it another type' });
    entries.set(type, { definition, moduleHash: createHash('sha256').update(bytes).digest('hex') });
  }
  return addresses;
}

/** The data of a method without any of its own. */
export const bareMethod = (type: string): Method => ({ type, name: type });

/** The settings of a method by key, common ones last. */
export function settingsOf({ settings, validatesOwn = false }: MethodDefinition): DeclaredSettings {
  const { [VALIDATE_KEY]: validate, ...common } = COMMON_SETTINGS;
  return { ...(settings as DeclaredSettings), ...common, ...(validatesOwn ? {} : { [VALIDATE_KEY]: validate }) };
}

/** Whether a method may have a name: not one of another type, and usable in a file's name. */
export function isName(name: unknown, type: string): name is string {
  return typeof name === 'string' && NAME_PATTERN.test(name) && (name === type || !entries.has(name));
}

/**
 * The method that a text asks for: its type, after a colon its argument, and after a question mark its settings: `linear`,
 * `introspection:STORE`, `nowcaster:NAME=DIR?learningRate=0.003`, `plain?name=slow&learningRate=0.0001`. Without the setting
 * `name`, the settings that differ from their defaults become part of its name.
 *
 * @throws {@link UsageError} for an unknown type or setting, an argument too many or too few, an impossible value or name; what else
 * the method's own `parse` throws.
 */
export function parseMethod(text: string): Method {
  const { type, argument, settings } = splitMethodText(text);
  const definition = findMethod(type);
  if ((definition.argument === undefined) !== (argument === ''))
    throw new UsageError({
      what: argument === '' ? `needs ${definition.argument}` : 'takes nothing more',
      where: text,
      remedy: argument === '' ? `give ${type}:${definition.argument}` : `give ${type}`,
    });
  const declared = settingsOf(definition);
  const given = new Map(settings);
  const chosenName = given.get(NAME_KEY);
  given.delete(NAME_KEY);
  const values = readSettings(given, declared, type);
  const own = definition.parse?.(argument) ?? bareMethod(type);
  const name = chosenName ?? own.name + nameSettings(changedSettings(values, declared), declared);
  if (!isName(name, type))
    throw new UsageError({
      what: `not a name for a method: ${name}`,
      where: text,
      remedy: 'give one of letters, digits, . _ + - that no other method has',
    });
  return { ...own, ...values, name };
}

/**
 * A method with other settings, under the same name.
 *
 * @throws {@link UsageError} for an unknown key or an impossible value.
 */
export function changeSettings(method: Method, changes: SettingValues): Method {
  const declared = settingsOf(findMethod(method.type));
  const own = Object.entries(method).filter(([key]) => !(key in declared));
  const values = { ...pickSettings(method, declared), ...changes };
  const texts = new Map(Object.entries(values).map(([key, value]) => [key, String(value)]));
  const { type, name, ...rest } = Object.fromEntries(own) as Method;
  // In the order of parseMethod, which the ids of runs depend on.
  return { type, name, ...rest, ...readSettings(texts, declared, type) };
}

/** The text that {@link parseMethod} reads the method from, given that of its type and argument. */
function printMethod(method: Method, head: string): string {
  const changed = changedSettings(method, settingsOf(findMethod(method.type)));
  const text = head + printSettings(changed);
  if (parseMethod(text).name === method.name) return text;
  return head + printSettings({ ...changed, [NAME_KEY]: method.name });
}

/** Settings of one method or of several, as `--help` lists them. */
export interface SettingGroup {
  /** Types of the methods that take them; empty for those of all methods. */
  types: string[];
  /** Key, and what it is with its values and default. */
  settings: { key: string; describe: string }[];
}

/** The settings of all methods, then those of the others, each once with the methods that take it. For `--help`. */
export function settingGroups(): SettingGroup[] {
  const describe = ({ describe, values, default: byDefault }: DeclaredSettings[string]) =>
    `${describe}: ${values}${byDefault === undefined ? '' : ` [default: ${byDefault}]`}`;
  const common = Object.entries(COMMON_SETTINGS).map(([key, setting]) => ({ key, describe: describe(setting) }));
  const owners = new Map<string, { key: string; describe: string; types: string[] }>();
  for (const { definition } of entries.values())
    for (const [key, setting] of Object.entries((definition.settings ?? {}) as DeclaredSettings)) {
      const own = { key, describe: describe(setting), types: [] };
      const id = `${key} ${own.describe}`;
      owners.set(id, owners.get(id) ?? own);
      owners.get(id)?.types.push(definition.type);
    }
  const groups = new Map<string, SettingGroup>();
  for (const { types, ...setting } of owners.values()) {
    const id = types.join();
    groups.set(id, groups.get(id) ?? { types, settings: [] });
    groups.get(id)?.settings.push(setting);
  }
  const name = { key: NAME_KEY, describe: 'what to call it in tables and plots' };
  return [{ types: [], settings: [name, ...common] }, ...groups.values()];
}

/** The optimizer of a method's runs in an evaluation with that optimizer. */
export function optimizerOf(method: Method, base: OptimizerInfo): OptimizerInfo {
  return applyToOptimizer(method as CommonSettings, findMethod(method.type).optimizer?.(method, base) ?? base);
}

/** The average that a method validates; null: weights of its own, or the trained ones. */
export function averagingOf(method: Method): Averaging | null {
  const { averaging } = findMethod(method.type);
  if (averaging !== undefined) return averaging(method);
  const { validate } = method as CommonSettings;
  return validate === undefined ? null : parseAveraging(validate);
}

/** A method as it trains: without its name, and without the average that it validates. */
export function trainingOf(method: Method): Method {
  const { name, [VALIDATE_KEY]: _, ...training } = method as Method & CommonSettings;
  const { type } = BASELINE;
  if (findMethod(method.type).averaging === undefined) return { ...training, name: method.type } as Method;
  return { ...bareMethod(type), ...pickSettings(training as Method, settingsOf(BASELINE)) };
}

/** The learning rate that people try first with the optimizer of a method's runs: the center of a search. */
export function usualLearningRateOf(method: Method, base: OptimizerInfo): number {
  return findOptimizer(optimizerOf(method, base).name).usualLearningRate;
}

/**
 * The methods of an evaluation: the baseline first, then the others in the order given. The baseline is the one of its type and
 * name; further ones of its type, with names of their own, are compared with it.
 *
 * @param validate average to validate in all methods that have none of their own, the baseline included: `ema:0.99`. The names
 * stay as they are.
 * @throws {@link UsageError} when two have the same name, a type is unknown, or the average is impossible.
 */
export function completeMethods(methods: readonly Method[], validate?: string): Method[] {
  const isBaseline = ({ type, name }: Method) => findMethod(type) === BASELINE && name === BASELINE.type;
  const baseline = methods.find(isBaseline) ?? parseMethod(BASELINE.type);
  const all = [baseline, ...methods.filter((method) => !isDeepStrictEqual(method, baseline))];
  for (const [i, { name }] of all.entries()) {
    if (all.findIndex((other) => other.name === name) === i) continue;
    throw new UsageError({ what: 'two methods of one name', where: name, remedy: 'give each a name of its own' });
  }
  if (validate === undefined) return all;
  const averaging = printAveraging(parseAveraging(validate));
  return all.map((method) => {
    const takesNone = findMethod(method.type).validatesOwn || (method as CommonSettings).validate !== undefined;
    return takesNone ? method : changeSettings(method, { [VALIDATE_KEY]: averaging });
  });
}

/** The methods, the baseline first, with what the report says of them. Throws the errors of files that cannot be read. */
export function describeMethods(methods: readonly Method[]): Promise<DescribedMethod[]> {
  return Promise.all(
    methods.map(async (method, m) => {
      const definition = findMethod(method.type);
      const description = await definition.describe(method);
      const settings = Object.entries(pickSettings(method, settingsOf(definition)));
      const words = settings.map(([key, value]) =>
        key === VALIDATE_KEY ? `validated by ${value}` : `${key} ${value}`,
      );
      const sentence = [description.sentence, ...words].join(', ');
      const command = printMethod(method, description.command);
      return { ...method, about: { ...description, sentence, command, baseline: m === 0 } };
    }),
  );
}
