// The worker process of the evaluate stage: trains one run at a time and writes its record.

import { type EngineRequest, openEngine } from '../engine/engine.js';
import { readRunRecord, runRecordPath, writeRunRecord } from '../evaluation/files.js';
import type { EvaluationJob } from '../evaluation/schema.js';
import { claim } from '../files/claim.js';
import { serveProcess } from '../jobs/index.js';
import { loadMethodModules } from './methods/registry.js';
import { trainRun } from './trainRun.js';

/** The spec of a worker's job. */
export interface WorkerSpec {
  job: EvaluationJob;
  /** Jobs that its training serves too; see sharedTrainings.ts. */
  others: readonly EvaluationJob[];
  /** Directory to write to. */
  out: string;
  /** Directory with the inputs that the evaluation prepared: its output directory. */
  inputs: string;
  /** Engine to open: the job's, or the one that replaces `auto` on this machine. */
  engine: EngineRequest;
  /** GPU for webgpu; undefined: the system default. */
  adapter?: string;
  /** Directory of the image datasets; undefined: the default. */
  images: string | undefined;
  /** Modules with methods; see loadMethodModules. Never from a queue. */
  methodModules?: readonly string[];
}

serveProcess<WorkerSpec, null>(async (spec, { report, note, signal }) => {
  const { job, others, out, inputs, adapter, images, methodModules = [] } = spec;
  await loadMethodModules(methodModules);
  const engine = await openEngine(spec.engine, { adapter });
  const train = (jobs: readonly EvaluationJob[]) =>
    trainRun(jobs, engine, out, images, {
      inputs,
      signal,
      onBatch: ({ epoch, batchesDone, batchesPerEpoch, examplesPerSecond }) =>
        report({
          fraction: (epoch + batchesDone / batchesPerEpoch) / job.epochs,
          detail: `epoch ${epoch + 1}/${job.epochs}`,
          rate: examplesPerSecond,
        }),
    });
  // Another process may do the same evaluation in the same directory. All claim in one order, so that none waits for another
  // that waits for it.
  const jobs = [job, ...others];
  const releases: (() => void)[] = [];
  try {
    for (const { id } of [...jobs].sort((a, b) => (a.id < b.id ? -1 : 1))) {
      const onWait = () => note(`${id}: another process trains it; waiting`);
      releases.push(await claim(runRecordPath(out, id), { signal, onWait }));
    }
    const missing = jobs.filter(({ id }) => readRunRecord(out, id) === null);
    if (missing.length > 0) for (const record of await train(missing)) writeRunRecord(out, record);
  } finally {
    for (const release of releases) release();
  }
  return null;
});
