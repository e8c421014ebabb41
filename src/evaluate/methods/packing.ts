// Methods on their way into runs: what of one decides its results, and what may go to a queue and come from it.

import { UsageError } from '../../errors.js';
import type { Method } from '../../evaluation/schema.js';
import { bareMethod, findMethod, isMethodType, isName, moduleHashOf, settingsOf } from './registry.js';
import { checkSettings } from './text.js';

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
  if (!isMethodType(type) || moduleHashOf(type) !== undefined) return false;
  const { parse, check } = findMethod(type);
  return parse === undefined || check !== undefined;
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
  const { parse, check } = definition;
  const own = parse === undefined ? bareMethod(method.type) : check?.call(definition, mapPaths(method, resolvePath));
  return settings === null || !own ? null : { ...own, ...settings, name: method.name };
}
