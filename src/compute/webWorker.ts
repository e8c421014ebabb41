// A kernel thread in a page. The build bundles it into one script (webWorker.generated.ts), so that pages need no file
// beside their bundle.

import { loadWasmKernels } from '../families/wasmKernels.js';
import { runGroups, type ThreadStart } from '../kernels/thread.js';
import type { ThreadMessage } from '../kernels/webThreads.js';

const post = (message: ThreadMessage) => globalThis.postMessage(message);

globalThis.onmessage = async ({ data }: MessageEvent<ThreadStart>) => {
  try {
    const kernels = await loadWasmKernels(data.spec.family);
    await runGroups(
      kernels,
      data,
      () => post('ready'),
      () => post('ended'),
    );
  } catch (error) {
    post({ failure: String(error) });
  }
};
