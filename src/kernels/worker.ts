// A thread of the pool in Node. Not: what it does (thread.ts).

import { parentPort, workerData } from 'node:worker_threads';
import { serveJobs } from './thread.js';

await serveJobs(workerData, () => parentPort!.postMessage('ready'));
