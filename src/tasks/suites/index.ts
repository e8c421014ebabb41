// The registry of suites. A new suite is a file here and a line in SUITES.

import { unknownName } from '../../nearestName.js';
import { paper } from './paper.js';
import { small } from './small.js';
import type { Suite } from './suite.js';

export type { Suite, SuiteEntry } from './suite.js';

const SUITES: Suite[] = [small, paper];

/**
 * Registers a custom suite.
 *
 * @throws Error when the name is taken.
 */
export function registerSuite(suite: Suite): void {
  if (suiteNames().includes(suite.name)) throw new Error(`there is a suite ${suite.name} already`);
  SUITES.push(suite);
}

/** Names of all suites. */
export function suiteNames(): string[] {
  return SUITES.map(({ name }) => name);
}

/**
 * Finds a suite by name.
 *
 * @throws UsageError when there is none.
 */
export function findSuite(name: string): Suite {
  const suite = SUITES.find((candidate) => candidate.name === name);
  if (suite === undefined) throw unknownName('suite', name, suiteNames());
  return suite;
}
