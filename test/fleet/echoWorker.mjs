// The worker process of the jobs that test/fleet/queue.test.ts makes up: writes a file, fails, waits, or fills a disk.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { asWriteError } from '../../dist/atomic.js';
import { serveProcess } from '../../dist/jobs/index.js';

serveProcess(async ({ id, what, staging }, { report, signal }) => {
  report({ fraction: 0.5, detail: what });
  if (what === 'fail') throw new Error('as told');
  if (what === 'wait') {
    await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  }
  if (what === 'full') {
    try {
      writeFileSync('/dev/full', 'x');
    } catch (error) {
      throw asWriteError(error, staging);
    }
  }
  writeFileSync(join(staging, `${id}.txt`), id);
});
