// A thread whose tasks misbehave on demand, for threadPool.test.ts. Compiled code, as threads are real ones.

import { MissingFileError } from '../../dist/errors.js';
import { serveThread } from '../../dist/jobs/threadPool.js';

let kept;

export default serveThread(
  ({ deed, values }) => {
    switch (deed) {
      case 'double':
        kept = values.map((value) => 2 * value);
        return kept;
      case 'is the last result gone':
        return Float32Array.of((kept.buffer.detached ?? kept.length === 0) ? 1 : 0);
      case 'user error':
        throw new MissingFileError({ what: 'no run', where: '/nowhere', remedy: 'record it' });
      case 'throw':
        throw new RangeError('out of range');
      case 'exit':
        return process.exit(3);
      case 'loop':
        for (;;);
    }
  },
  ({ buffer }) => [buffer],
);
