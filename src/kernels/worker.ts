// A thread of the pool: sleeps until a job is opened, takes groups of it, sleeps again. Not: adding groups (pool.ts).

import { parentPort, workerData } from 'node:worker_threads';
import type { WnnSpec } from '../nowcaster/spec.js';
import { openInstance } from './instance.js';
import { makeLabourer, type SharedJob, Word } from './job.js';

/** What the pool hands to a worker. */
export interface WorkerStart {
  module: WebAssembly.Module;
  spec: WnnSpec;
  job: SharedJob;
}

const { module, spec, job } = workerData as WorkerStart;
const labour = makeLabourer(await openInstance(module, spec), job);
let heard = Atomics.load(job.control, Word.bell);
parentPort!.postMessage('ready');
for (;;) {
  labour();
  Atomics.wait(job.control, Word.bell, heard);
  heard = Atomics.load(job.control, Word.bell);
}
