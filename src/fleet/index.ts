// Work by many machines: the executor that a stage is given to leave its jobs to a queue, the worker that does them, and
// what looks after the queue.

export { STAGE_KINDS } from './kinds.js';
export { cleanParked, drainQueue, type QueueStatus, readQueueStatus, retryParked } from './manage.js';
export { type QueueExecutorOptions, queueExecutor } from './queueExecutor.js';
export { runWorker, type WorkerOptions, type WorkerResult } from './worker.js';
