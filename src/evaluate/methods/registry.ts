// The registry of methods: the toolkit's, and those of user modules.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { MissingFileError, UsageError } from '../../errors.js';
import type { DescribedMethod, Method } from '../../evaluation/schema.js';
import { unknownName } from '../../tasks/nearestName.js';
import type { OptimizerInfo } from '../../trajectory/schema.js';
import { COMMON_SETTINGS, type CommonSettings, NAME_KEY } from './commonSettings.js';
import type { MethodDefinition } from './definition.js';
import { BASELINE, METHODS } from './index.js';
import {
  changedSettings,
  checkSettings,
  type DeclaredSettings,
  nameSettings,
  printSettings,
  readSettings,
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

/** SHA-256 of the module that defines a type; undefined for the toolkit's own. */
function moduleHashOf(type: string): string | undefined {
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
    if (typeof definition?.parse !== 'function' || !TYPE_PATTERN.test(definition.type))
      throw new UsageError({ what: 'exports no method', where, remedy: 'export a MethodDefinition as its default' });
    const { type } = definition;
    if (entries.get(type)?.definition === definition) continue;
    if (entries.has(type))
      throw new UsageError({ what: `there is a method ${type} already`, where, remedy: 'give it another type' });
    entries.set(type, { definition, moduleHash: createHash('sha256').update(bytes).digest('hex') });
  }
  return addresses;
}

/** The settings of a method by key, common ones last. */
function settingsOf({ settings }: MethodDefinition): DeclaredSettings {
  return { ...(settings as DeclaredSettings), ...COMMON_SETTINGS };
}

/** Whether a method may have a name: not one of another type, and usable in a file's name. */
function isName(name: unknown, type: string): name is string {
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
  const own = definition.parse(argument);
  const name = chosenName ?? own.name + nameSettings(changedSettings(values, declared));
  if (!isName(name, type))
    throw new UsageError({
      what: `not a name for a method: ${name}`,
      where: text,
      remedy: 'give one of letters, digits, . _ + - that no other method has',
    });
  return { ...own, ...values, name };
}

/** The text that {@link parseMethod} reads the method from, given that of its type and argument. */
function printMethod(method: Method, head: string): string {
  const changed = changedSettings(method, settingsOf(findMethod(method.type)));
  const text = head + printSettings(changed);
  if (parseMethod(text).name === method.name) return text;
  return head + printSettings({ ...changed, [NAME_KEY]: method.name });
}

/** Command-line syntax of the settings, a line each: those of all methods first. For `--help`. */
export function settingLines(): string[] {
  const lines = (owner: string, settings: DeclaredSettings) =>
    Object.entries(settings).map(([key, setting]) => {
      const byDefault = setting.default === undefined ? '' : ` [default: ${setting.default}]`;
      return `${owner}?${key}=...  ${setting.describe}: ${setting.values}${byDefault}`;
    });
  return [
    `TYPE?${NAME_KEY}=...  what to call it in tables and plots`,
    ...lines('TYPE', COMMON_SETTINGS),
    ...[...entries.values()].flatMap(({ definition }) =>
      lines(definition.type, (definition.settings ?? {}) as DeclaredSettings),
    ),
  ];
}

/** The optimizer of a method's runs in an evaluation with that optimizer. */
export function optimizerOf(method: Method, base: OptimizerInfo): OptimizerInfo {
  const optimizer = findMethod(method.type).optimizer?.(method, base) ?? base;
  const { learningRate } = method as CommonSettings;
  return learningRate === undefined ? optimizer : { ...optimizer, learningRate };
}

/**
 * The methods of an evaluation: the baseline first, then the others in the order given. The baseline is the one of its type and
 * name; further ones of its type, with names of their own, are compared with it.
 *
 * @throws {@link UsageError} when two have the same name, or a type is unknown.
 */
export function completeMethods(methods: readonly Method[]): Method[] {
  const isBaseline = ({ type, name }: Method) => findMethod(type) === BASELINE && name === BASELINE.type;
  const baseline = methods.find(isBaseline) ?? parseMethod(BASELINE.type);
  const all = [baseline, ...methods.filter((method) => !isDeepStrictEqual(method, baseline))];
  for (const [i, { name }] of all.entries()) {
    if (all.findIndex((other) => other.name === name) === i) continue;
    throw new UsageError({ what: 'two methods of one name', where: name, remedy: 'give each a name of its own' });
  }
  return all;
}

/** The methods, the baseline first, with what the report says of them. Throws the errors of files that cannot be read. */
export function describeMethods(methods: readonly Method[]): Promise<DescribedMethod[]> {
  return Promise.all(
    methods.map(async (method, m) => {
      const definition = findMethod(method.type);
      const description = await definition.describe(method);
      const settings = Object.entries(changedSettings(method, settingsOf(definition)));
      const sentence = [description.sentence, ...settings.map(([key, value]) => `${key} ${value}`)].join(', ');
      const command = printMethod(method, description.command);
      return { ...method, about: { ...description, sentence, command, baseline: m === 0 } };
    }),
  );
}

/** Applies a function to the fields of a method that hold paths. */
function mapPaths(method: Method, map: (path: string) => string | undefined): Method {
  const { paths = [] } = findMethod(method.type);
  return { ...method, ...Object.fromEntries(paths.map((field) => [field, map(method[field] as string)])) };
}

/** The part of a method that determines its results: without paths, with the code of user modules. */
export function identityOf(method: Method): object {
  return { ...mapPaths(method, () => undefined), module: moduleHashOf(method.type) };
}

/** Whether the workers of a queue train a method of that type. */
function isQueueable(type: string): boolean {
  const entry = entries.get(type);
  return entry?.definition.check !== undefined && entry.moduleHash === undefined;
}

/**
 * A method for a queue.
 *
 * @param share names a path that all machines see.
 * @throws {@link UsageError} when it is defined by a module: a queue moves no code.
 */
export function packMethod(method: Method, share: (path: string) => string): Method {
  if (isQueueable(method.type)) return mapPaths(method, share);
  throw new UsageError({
    what: 'no queue trains this method',
    where: method.name,
    remedy: 'evaluate it without --queue',
  });
}

/**
 * Validates a method from a queue, which is untrusted.
 *
 * @param resolvePath path on this machine of a name that {@link packMethod} made; throws when it leads elsewhere.
 * @returns null when no plan could have made it.
 */
export function unpackMethod(data: unknown, resolvePath: (name: string) => string): Method | null {
  const method = data as Method;
  if (typeof data !== 'object' || data === null || !isQueueable(method.type)) return null;
  if (!isName(method.name, method.type)) return null;
  const definition = findMethod(method.type);
  const settings = checkSettings(method, settingsOf(definition));
  const own = definition.check?.(mapPaths(method, resolvePath)) ?? null;
  return settings === null || own === null ? null : { ...own, ...settings, name: method.name };
}
