// The worker process of the jobs that test/fleet/queue.test.ts makes up: writes a file, fails, waits, fills a disk, or loses its
// directory and goes on writing on what is under it.

import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
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
  const directory = dirname(dirname(staging));
  if (what === 'lose' && !existsSync(`${directory}.lost`)) {
    writeFileSync(`${directory}.lost`, '');
    renameSync(directory, `${directory}.away`);
    mkdirSync(staging, { recursive: true });
  }
  writeFileSync(join(staging, `${id}.txt`), id);
});
