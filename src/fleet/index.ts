// Distributed work: the executor that submits a stage's jobs to a queue, the worker that runs them, and the management of
// the queue.

export { STAGE_KINDS } from './kinds.js';
export { cleanParked, drainQueue, type QueueStatus, readQueueStatus, retryParked } from './manage.js';
export { type QueueExecutorOptions, queueExecutor } from './queueExecutor.js';
export { runWorker, type WorkerOptions, type WorkerResult } from './worker.js';
