// Everything that is known of a dataset before a run is read: its runs, what each gives, and where the results go.

import { resolve } from 'node:path';
import { checkReplaceable, settleDirectory } from '../files/directory.js';
import type { Job } from '../jobs/index.js';
import { type DatasetOptions, type DatasetSettings, settleOptions } from './options.js';
import { type PartJob, partId } from './partJob.js';
import { type DatasetPlan, planDataset } from './plan.js';
import { findRuns, hashRun, type UsableRun } from './runs.js';

/** A dataset that is about to be built. */
export interface PreparedDataset {
  settings: DatasetSettings;
  /** Ordered by id, with the hash of each. */
  runs: UsableRun[];
  hashes: string[];
  plan: DatasetPlan;
  /** Where the samples go. */
  dir: string;
  /** Where parts go, and the jobs that make them, one a run. */
  parts: string;
  jobs: Job<PartJob>[];
}

/** What a build writes; a directory with anything else in it is not replaced. */
const OWN_FILES = /^(?:dataset\.json|\w+\/(?:train|val)-\d{5,}\.arrow)$/;

/** Refuses to put samples in the place of anything else. @throws UsageError */
export function checkPlace(dir: string): void {
  checkReplaceable(dir, { isOwn: (path) => OWN_FILES.test(path), content: 'samples', option: '--out' });
}

/** Plans a dataset. @throws as `buildDataset` */
export async function prepareDataset(options: DatasetOptions): Promise<PreparedDataset> {
  const settings = settleOptions(options);
  const runs = findRuns(settings, options.onNote ?? (() => {}));
  const plan = planDataset(runs, settings);
  const hashes: string[] = [];
  for (const run of runs) hashes.push(await hashRun(run.directory));
  const dir = resolve(settings.out);
  settleDirectory(dir);
  checkPlace(dir);
  const parts = `${dir}.parts`;
  const jobs = plan.tasks.map((task, i): Job<PartJob> => {
    return { id: partId(task, hashes[i]), spec: { task, sha256: hashes[i], out: parts } };
  });
  return { settings, runs, hashes, plan, dir, parts, jobs };
}
