// A worker whose jobs misbehave on demand, for processExecutor.test.ts. Compiled code, as workers are real processes.

import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { MissingFileError } from '../../dist/errors.js';
import { serveProcess } from '../../dist/jobs/index.js';

serveProcess(async ({ deed, value, marker }, { id, report, note, signal }) => {
  const firstTime = marker !== undefined && !existsSync(marker);
  if (firstTime) writeFileSync(marker, '');
  switch (deed) {
    case 'square':
      report({ fraction: 0.5, detail: `half of ${id}`, rate: 10 });
      return { square: value * value, bytes: Float32Array.of(value), pid: process.pid };
    case 'environment':
      return { variable: process.env.WNN_TEST };
    case 'throw once':
      if (firstTime) throw new TypeError('a slip');
      return { square: value * value };
    case 'throw':
      throw new TypeError('always wrong');
    case 'crash once':
      if (firstTime) process.kill(process.pid, 'SIGKILL');
      return { square: value * value };
    case 'terminated once':
      if (firstTime) process.kill(process.pid, 'SIGTERM');
      await sleep(firstTime ? 20_000 : 1, undefined, { signal }).catch(() => signal.throwIfAborted());
      return { square: value * value };
    case 'exit':
      console.error('last words');
      return process.exit(3);
    case 'user error':
      while (!existsSync(`${value}.begun`)) await sleep(5);
      throw new MissingFileError({ what: 'no images', where: '/nowhere', remedy: 'fetch them' });
    case 'linger':
      note(`${id} lingers`);
      writeFileSync(`${value}.begun`, '');
      await sleep(20_000, undefined, { signal }).catch(() => {});
      appendFileSync(value, `${id} ended in good order\n`);
      signal.throwIfAborted();
      return {};
    case 'report pid and linger':
      writeFileSync(value, String(process.pid));
      await sleep(60_000);
      return {};
  }
});
