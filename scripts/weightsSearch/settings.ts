// Reads and checks weights/search.yaml.

import { readFileSync } from 'node:fs';
import * as v from 'valibot';
import { parse } from 'yaml';
import { findSuite } from '../../src/tasks/suites/index.js';
import { findTask } from '../../src/tasks/task.js';

const words = v.string();
const name = v.pipe(v.string(), v.regex(/^[\w.-]+$/, 'a name has letters, digits, dots, hyphens and underscores'));

const SCHEMA = v.strictObject({
  /** Plans, and the stores that they are recorded into. */
  recordings: v.pipe(v.record(v.string(), v.string()), v.minEntries(1)),
  /** Trainings on which nowcasters are compared: the task, its seeds, and further words of `wnn evaluate`. */
  tuning: v.pipe(
    v.array(v.strictObject({ task: v.string(), seeds: v.array(v.number()), evaluate: words })),
    v.minLength(1),
  ),
  /** Variants that go on from the filter to trainings. */
  keep: v.pipe(v.number(), v.integer(), v.minValue(1)),
  /** Nowcasters that are compared with them, as methods of `wnn evaluate`. */
  compared: v.optional(v.array(v.string()), []),
  /** Words of `wnn dataset` and `wnn train`, and settings of the method, each a row of the table. */
  variants: v.pipe(
    v.array(v.strictObject({ name, dataset: words, train: words, nowcast: v.array(v.string()) })),
    v.minLength(1),
  ),
});

export type Search = v.InferOutput<typeof SCHEMA>;
export type Variant = Search['variants'][number];

/** A dataset and an architecture, of whatever size. */
const withoutOptions = (task: string) => findTask(task).name.replace(/\?.*/, '');

/**
 * Reads the settings of a search.
 *
 * @throws Error for settings that are not; for tuning tasks whose very network is recorded on the same data; for tasks that the
 *   suite has at any size.
 */
export function readSearch(path: string, judged: string): Search {
  const search = v.parse(SCHEMA, parse(readFileSync(path, 'utf8')));
  const recorded = Object.keys(search.recordings).flatMap(
    (plan) => (parse(readFileSync(plan, 'utf8')) as { tasks: string[] }).tasks,
  );
  const suite = findSuite(judged).entries.map(({ task }) => task);
  for (const task of [...search.tuning.map((tuned) => tuned.task), ...recorded])
    if (suite.some((judge) => withoutOptions(judge) === withoutOptions(task)))
      throw new Error(`${path}: ${task} is one of the suite ${judged}`);
  for (const { task } of search.tuning)
    if (recorded.some((other) => findTask(other).name === findTask(task).name))
      throw new Error(`${path}: ${task} is one of the tasks that are recorded`);
  const names = search.variants.map((variant) => variant.name);
  const twice = names.find((one, i) => names.indexOf(one) !== i);
  if (twice !== undefined) throw new Error(`${path}: two variants are called ${twice}`);
  return search;
}
