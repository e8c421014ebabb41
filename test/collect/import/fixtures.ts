// The checkpoints that Keras and PyTorch wrote (scripts/make-import-fixtures.py), unpacked, and what they hold.

import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { extract } from 'tar';
import { afterAll } from 'vitest';
import { readManifest, readSnapshots } from '../../../src/trajectory/runReader.js';

/** Values by tensor, one entry an epoch. */
export type Expected = Record<string, { shape: number[]; base64: string }>[];

/** A directory for this test file, removed after it. */
export const scratch = mkdtempSync(join(tmpdir(), 'wnn-import-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** Unpacks the checkpoints of a framework. @returns their directory. */
export function unpack(name: 'keras' | 'torch' | 'know' | 'cases'): string {
  const directory = join(scratch, name);
  mkdirSync(directory, { recursive: true });
  const file = fileURLToPath(new URL(`./fixtures/${name}.tar.gz`, import.meta.url));
  extract({ file, cwd: directory, sync: true });
  return directory;
}

export function readExpected(directory: string): Expected {
  return JSON.parse(readFileSync(join(directory, 'expected.json'), 'utf8'));
}

/** The content of an imported run in the form of {@link Expected}. */
export async function readRun(directory: string): Promise<Expected> {
  const { tensors } = readManifest(directory);
  const epochs: Expected = [];
  for await (const { epoch, values } of readSnapshots(directory)) {
    if (epoch !== epochs.length) throw new Error(`epoch ${epoch} at place ${epochs.length}`);
    const entries = tensors.map(({ name, shape }, i): [string, Expected[number][string]] => {
      const { buffer, byteOffset, byteLength } = values[i];
      return [name, { shape, base64: Buffer.from(buffer, byteOffset, byteLength).toString('base64') }];
    });
    epochs.push(Object.fromEntries(entries));
  }
  return epochs;
}
