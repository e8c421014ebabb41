// Writes the values of every epoch of a store as raw float32 files, for scripts/verify_store.py:
// node scripts/dump-store.mjs STORE OUT_DIR (after npm run build). Reads the logs and files with the toolkit.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { listRuns, readSnapshots } from '../dist/trajectory/runReader.js';

const [store, out] = process.argv.slice(2);
for (const { directory, manifest } of listRuns(store)) {
  mkdirSync(join(out, manifest.id), { recursive: true });
  for await (const { epoch, values } of readSnapshots(directory)) {
    const bytes = values.map((part) => Buffer.from(part.buffer, part.byteOffset, part.byteLength));
    writeFileSync(join(out, manifest.id, `${epoch}.f32`), Buffer.concat(bytes));
  }
}
