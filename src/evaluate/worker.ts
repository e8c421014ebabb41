// A worker process of evaluate: trains one run at a time and writes its file.

import { openEngine } from '../engine/engine.js';
import { writeRunRecord } from '../evaluation/files.js';
import type { EvaluationJob } from '../evaluation/schema.js';
import { serveJobs } from '../jobs/index.js';
import { trainRun } from './trainRun.js';

/** What a worker is told to do. */
export interface WorkerSpec {
  job: EvaluationJob;
  /** Output directory of the evaluation. */
  out: string;
  /** Directory of the image sets; undefined: the default. */
  images: string | undefined;
}

serveJobs<WorkerSpec, null>(async ({ job, out, images }, { report, signal }) => {
  const engine = await openEngine(job.engine);
  const record = await trainRun(job, engine, out, images, {
    signal,
    onBatch: ({ epoch, batchesDone, batchesPerEpoch, examplesPerSecond }) =>
      report({
        fraction: (epoch + batchesDone / batchesPerEpoch) / job.epochs,
        detail: `epoch ${epoch + 1}/${job.epochs}`,
        rate: examplesPerSecond,
      }),
  });
  writeRunRecord(out, record);
  return null;
});
