// The list of families.

import type { FamilyConfig } from '../network/spec.js';
import type { Family } from './family.js';
import { wnn } from './wnn/index.js';
import { wnnPlus } from './wnnPlus/index.js';

const FAMILIES = new Map<string, Family>(([wnn, wnnPlus] as readonly Family[]).map((family) => [family.id, family]));

/** All families, in the order of the list. */
export function listFamilies(): Family[] {
  return [...FAMILIES.values()];
}

/** The family of that id, or undefined. */
export function findFamily(id: string): Family | undefined {
  return FAMILIES.get(id);
}

/**
 * Registers a custom family for all commands and callbacks. In worker processes and on the command line, load the module
 * that calls this with `node --import`.
 *
 * @throws Error when the id is taken.
 */
export function registerFamily<Config extends FamilyConfig>(family: Family<Config>): void {
  if (FAMILIES.has(family.id)) throw new Error(`there is a family ${family.id} already`);
  FAMILIES.set(family.id, family as Family);
}
