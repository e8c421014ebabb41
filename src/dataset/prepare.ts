// Prepares a build before any run is read: the runs, the plan, and the output paths.

import { resolve } from 'node:path';
import { checkReplaceable, settleDirectory } from '../files/directory.js';
import type { Job } from '../jobs/index.js';
import { type DatasetOptions, type DatasetSettings, settleOptions } from './options.js';
import { type PartJob, partId } from './partJob.js';
import { type DatasetPlan, planDataset } from './plan.js';
import { findRuns, hashRun, type UsableRun } from './runs.js';

/** A planned build. */
export interface PreparedDataset {
  settings: DatasetSettings;
  /** Ordered by id, with the hash of each. */
  runs: UsableRun[];
  hashes: string[];
  plan: DatasetPlan;
  /** Output directory of the samples. */
  dir: string;
  /** Directory of the parts, and the jobs that write them, one per run. */
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
