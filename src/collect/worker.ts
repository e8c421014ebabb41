// The worker process of collect: one run at a time.

import { type EngineRequest, openEngine } from '../engine/index.js';
import { serveProcess } from '../jobs/index.js';
import type { PlannedRun } from './plan.js';
import { type RecordRunResult, recordRun } from './recordRun.js';

/** What a worker is told of a run. */
export interface RecordJob {
  store: string;
  run: PlannedRun;
  engine: EngineRequest;
  /** GPU for webgpu; undefined: the one that the system prefers. */
  adapter?: string;
  /** Directory of the image datasets; undefined: the default. */
  images: string | undefined;
}

serveProcess<RecordJob, RecordRunResult>(async ({ store, run, engine, adapter, images }, { report, note, signal }) => {
  const opened = await openEngine(engine, { adapter });
  const begin = performance.now();
  let loss = '';
  return recordRun({
    store,
    run,
    engine: opened,
    images,
    signal,
    onWait: () => note(`${run.id}: another process records it; waiting`),
    onBatch: ({ epoch, batchesDone, batchesPerEpoch, examplesPerSecond }) => {
      const fraction = (epoch + batchesDone / batchesPerEpoch) / run.epochs;
      const left = ((performance.now() - begin) / 1000) * (1 / fraction - 1);
      const rate = `${Math.round(examplesPerSecond).toLocaleString('en-GB')} images/s`;
      const detail = `epoch ${epoch + 1}/${run.epochs}  ${loss}${rate}  ${formatSeconds(left)} left`;
      report({ fraction, detail, rate: examplesPerSecond });
    },
    onEpoch: ({ metrics }) => {
      loss = `loss ${metrics.loss.toPrecision(3)}  `;
    },
  });
});

function formatSeconds(seconds: number): string {
  return seconds < 100 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;
}
