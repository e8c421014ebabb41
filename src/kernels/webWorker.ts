// A thread of the pool in a page. The build makes one piece of text of it and all that it imports (webWorker.generated.ts),
// so that pages need no file beside their bundle. Not: what it does (thread.ts).

import { serveJobs, type ThreadStart } from './thread.js';

/** What the thread says: that it is ready, that it has ended a job, or why it cannot work. */
export type ThreadMessage = 'ready' | 'ended' | { failure: string };

const post = (message: ThreadMessage) => globalThis.postMessage(message);

globalThis.onmessage = ({ data }: MessageEvent<ThreadStart>) => {
  serveJobs(
    data,
    () => post('ready'),
    () => post('ended'),
  ).catch((error) => post({ failure: String(error) }));
};
