// The registry of suites: named lists of tasks, each with the settings that its trainings are compared with. No data is loaded
// here.

import type { OptimizerInfo } from '../trajectory/schema.js';
import { unknownName } from './nearestName.js';

/** One task of a suite. */
export interface SuiteEntry {
  /** Its canonical name with the architecture's options, e.g. `text/gpt?depth=2`. Unique within the suite. */
  task: string;
  epochs: number;
  /** Examples per batch. */
  batchSize: number;
  /** Training examples, drawn at random. Default: all. */
  trainExamples?: number;
  /** Validation examples, drawn at random. Default: all. */
  validationExamples?: number;
  /** Optimizer, with the learning rate that tuning starts from. */
  optimizer: OptimizerInfo;
}

/** A named list of tasks. */
export interface Suite {
  name: string;
  /** What it is for, as a sentence. */
  description: string;
  entries: readonly SuiteEntry[];
}

const paper: Suite = {
  name: 'paper',
  description: 'The experiment of Jang et al. (2023): a plain CNN on CIFAR-10.',
  entries: [
    {
      task: 'cifar10/simplenet',
      epochs: 50,
      batchSize: 1024,
      optimizer: { name: 'adam', learningRate: 0.001 },
    },
  ],
};

const SUITES: Suite[] = [paper];

/** Names of all suites. */
export function suiteNames(): string[] {
  return SUITES.map(({ name }) => name);
}

/**
 * Finds a suite by name.
 *
 * @throws UsageError with the nearest and all known names when there is none.
 */
export function findSuite(name: string): Suite {
  const suite = SUITES.find((candidate) => candidate.name === name);
  if (suite === undefined) throw unknownName('suite', name, suiteNames());
  return suite;
}

/**
 * Registers a suite.
 *
 * @throws Error when the name is taken.
 */
export function registerSuite(suite: Suite): void {
  if (suiteNames().includes(suite.name)) throw new Error(`there is a suite ${suite.name} already`);
  SUITES.push(suite);
}
