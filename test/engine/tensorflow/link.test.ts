// What goes wrong before and after linking, with stand-ins for Python and TensorFlow. A whole link, which needs a Python
// with TensorFlow, a compiler and npm's registry, is made when WNN_TEST_PYTHON names that Python.

import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { linkTensorflow, unlinkTensorflow } from '../../../src/engine/tensorflow/link.js';
import {
  checkLink,
  fingerprintLibrary,
  type LinkRecord,
  linkDirectory,
  readLinkRecord,
} from '../../../src/engine/tensorflow/linkRecord.js';
import { openTensorflow } from '../../../src/engine/tensorflow/open.js';
import { EngineUnavailableError, MissingFileError, SchemaVersionError } from '../../../src/errors.js';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(os.tmpdir(), 'wnn-link-'));
  vi.stubEnv('XDG_CACHE_HOME', join(folder, 'cache'));
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

/** A Python that answers any program with one line. */
function standInPython(answer: { directory: string | null; version: string | null }): string {
  const python = join(folder, 'python');
  writeFileSync(python, `#!/bin/sh\necho '${JSON.stringify({ python, ...answer })}'\n`);
  chmodSync(python, 0o755);
  return python;
}

/** A folder that looks like an installed TensorFlow. */
function standInTensorflow(parts: { headers?: boolean; libraries?: boolean }): string {
  const directory = join(folder, 'tensorflow');
  mkdirSync(directory);
  if (parts.headers) {
    mkdirSync(join(directory, 'include', 'tensorflow', 'c', 'eager'), { recursive: true });
    writeFileSync(join(directory, 'include', 'tensorflow', 'c', 'eager', 'c_api.h'), '');
  }
  if (parts.libraries) {
    for (const name of ['cc.so.2', 'framework.so.2', 'cc.2.dylib', 'framework.2.dylib']) {
      writeFileSync(join(directory, `libtensorflow_${name}`), name);
    }
  }
  return directory;
}

async function expectRefusal(python: string, kind: new (...args: never[]) => Error, message: RegExp) {
  const error = await linkTensorflow({ python }).catch((error: unknown) => error);
  expect(error).toBeInstanceOf(kind);
  expect((error as Error).message).toMatch(message);
  expect((error as Error).message).not.toContain('\n');
  expect(existsSync(join(folder, 'cache')) ? readdirSync(join(folder, 'cache', 'weight-nowcaster')) : []).toEqual([]);
}

describe.skipIf(process.platform === 'win32')('linkTensorflow refuses, and leaves nothing behind', () => {
  it('a Python that is not there', async () => {
    await expectRefusal(join(folder, 'absent'), MissingFileError, /no Python: .*absent; .*--python/);
  });

  it('a Python that fails', async () => {
    const python = join(folder, 'python');
    writeFileSync(python, '#!/bin/sh\necho "out of order" >&2\nexit 3\n');
    chmodSync(python, 0o755);
    await expectRefusal(python, EngineUnavailableError, /out of order/);
  });

  it('a Python without TensorFlow', async () => {
    const python = standInPython({ directory: null, version: null });
    await expectRefusal(python, EngineUnavailableError, /Python without TensorFlow: .*pip install tensorflow/);
  });

  it('a TensorFlow that is too old', async () => {
    const python = standInPython({ directory: standInTensorflow({}), version: '2.9.3' });
    await expectRefusal(python, EngineUnavailableError, /TensorFlow 2\.9\.3 is older than 2\.10/);
  });

  it('a TensorFlow without headers', async () => {
    const python = standInPython({ directory: standInTensorflow({ libraries: true }), version: '2.21.0' });
    await expectRefusal(python, EngineUnavailableError, /TensorFlow without headers: .*include/);
  });

  it('a TensorFlow without its library', async () => {
    const python = standInPython({ directory: standInTensorflow({ headers: true }), version: '2.21.0' });
    await expectRefusal(python, EngineUnavailableError, /without its library: .*libtensorflow_cc/);
  });

  it('a machine without a C++ compiler', async () => {
    vi.stubEnv('CXX', join(folder, 'no-compiler'));
    const directory = standInTensorflow({ headers: true, libraries: true });
    const python = standInPython({ directory, version: '2.21.0' });
    await expectRefusal(python, EngineUnavailableError, /no C\+\+ compiler: .*no-compiler; install one/);
  });
});

describe('a link', () => {
  function writeRecord(changes: Partial<Record<keyof LinkRecord, unknown>> = {}): LinkRecord {
    const library = join(folder, 'libtensorflow_cc.so.2');
    writeFileSync(library, 'library');
    const record = {
      schemaVersion: 1,
      tfjs: tf.version_core,
      tensorflow: '2.21.0',
      python: 'python3',
      library,
      ...fingerprintLibrary(library),
      devices: [],
      ...changes,
    };
    mkdirSync(linkDirectory(), { recursive: true });
    writeFileSync(join(linkDirectory(), 'link.json'), JSON.stringify(record));
    return record as LinkRecord;
  }

  it('is read back as it was written, and undefined when there is none', () => {
    expect(readLinkRecord()).toBeUndefined();
    const record = writeRecord();
    expect(readLinkRecord()).toEqual(record);
    expect(() => checkLink(record, tf.version_core)).not.toThrow();
  });

  it('of another schema version or cut off is refused by name', () => {
    writeRecord({ schemaVersion: 7 });
    expect(() => readLinkRecord()).toThrow(SchemaVersionError);
    writeFileSync(join(linkDirectory(), 'link.json'), '{"schema');
    expect(() => readLinkRecord()).toThrow(/unreadable link.*link\.json; .*link-tensorflow/);
  });

  it('stops the engine with the reason when TensorFlow was replaced, removed, or the toolkit changed', async () => {
    const record = writeRecord();
    utimesSync(record.library, 1, 1);
    await expect(openTensorflow()).rejects.toThrow(/another TensorFlow was installed since 2\.21\.0 was linked/);
    rmSync(record.library);
    await expect(openTensorflow()).rejects.toThrow(/linked TensorFlow 2\.21\.0 is gone/);
    writeRecord({ tfjs: '4.0.0' });
    await expect(openTensorflow()).rejects.toThrow(/linked for TensorFlow\.js 4\.0\.0/);
  });

  it('that does not load stops the engine with the reason', async () => {
    writeRecord();
    const error = await openTensorflow().catch((error: unknown) => error);
    expect(error).toBeInstanceOf(EngineUnavailableError);
    expect((error as Error).message).toMatch(/does not load: .*; run `wnn engine link-tensorflow`/);
    expect((error as Error).message).not.toContain('\n');
  });

  it('is removed once', () => {
    writeRecord();
    expect(unlinkTensorflow()).toEqual({ directory: linkDirectory(), removed: true });
    expect(existsSync(linkDirectory())).toBe(false);
    expect(unlinkTensorflow().removed).toBe(false);
  });
});

describe('a whole link', () => {
  const python = process.env.WNN_TEST_PYTHON;

  it('is made, opened and removed', { timeout: 300_000 }, (context) => {
    if (!python) return context.skip('WNN_TEST_PYTHON names no Python with TensorFlow');
    const wnn = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));
    const run = (...words: string[]) =>
      JSON.parse(execFileSync('node', [wnn, ...words, '--json'], { encoding: 'utf8' }));
    const link = run('engine', 'link-tensorflow', '--python', python);
    expect(link.selfTest.productError).toBeLessThan(1e-5);
    expect(link.selfTest.trainingError).toBeLessThan(1e-5);
    const [tensorflow] = run('doctor').engines;
    expect(tensorflow).toMatchObject({
      name: 'tensorflow',
      available: true,
      chosenByAuto: true,
      version: link.tensorflow,
    });
    expect(run('engine', 'link-tensorflow', '--remove').removed).toBe(true);
    return undefined;
  });
});
