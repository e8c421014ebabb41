// A kernel thread in Node.

import { parentPort, workerData } from 'node:worker_threads';
import { loadWasmKernels } from '../families/wasmKernels.js';
import { runGroups, type ThreadStart } from '../kernels/thread.js';

const start = workerData as ThreadStart;
const kernels = await loadWasmKernels(start.spec.family);
await runGroups(kernels, start, () => parentPort!.postMessage('ready'));
