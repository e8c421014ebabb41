// Progress of a build, in bytes of trajectory over all runs.

import type { ProgressListener } from '../progress.js';
import type { RunListeners } from './extractRuns.js';
import { megabytesOf } from './partJob.js';
import type { DatasetPlan } from './plan.js';

/** Combines the progress of the threads into that of the build. */
export function trackProgress({ tasks }: DatasetPlan, onProgress: ProgressListener) {
  const total = tasks.reduce((sum, task) => sum + megabytesOf(task), 0);
  const show = { task: 'dataset', total, unit: 'MB' };
  const seen = new Set<number>();
  const onAdvance: RunListeners['onAdvance'] = (workers) => {
    const fractions = new Map(workers.map(({ index, fraction }) => [index, fraction]));
    for (const { index } of workers) if (index !== null) seen.add(index);
    let done = 0;
    for (const index of seen) done += megabytesOf(tasks[index]) * (fractions.get(index) ?? 1);
    onProgress({
      ...show,
      done: Math.min(done, total * 0.999),
      workers: workers.map(({ index, fraction }, worker) => ({
        worker,
        job: index === null ? null : tasks[index].id,
        fraction,
        detail: `${Math.round(100 * fraction)}%`,
      })),
    });
  };
  return { onAdvance, onEnd: () => onProgress({ ...show, done: total }) };
}
