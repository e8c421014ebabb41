// Creates and removes the link to a Python's TensorFlow: downloads tfjs-node's sources, compiles its binding against that
// TensorFlow, tests it, and installs it.

import { execFile } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import { asWriteError, writeJsonAtomic } from '../../atomic.js';
import { EngineUnavailableError } from '../../errors.js';
import { discardStaging, openStaging, publishDirectory } from '../../files/directory.js';
import type { NoteListener } from '../../progress.js';
import { compileBinding, findCompiler } from './compileBinding.js';
import { fetchPackages } from './fetchPackages.js';
import { fingerprintLibrary, LINK_SCHEMA_VERSION, type LinkRecord, linkDirectory } from './linkRecord.js';
import { writeSharedTfjs } from './loadLinked.js';
import { findTensorflow, listDevices } from './python.js';
import type { SelfTestResult } from './selfTest.js';

const run = promisify(execFile);

/** What is fetched: tfjs-node in the version of tfjs-core, what it reads protocol buffers with, and Node's headers. */
const PACKAGES = {
  '@tensorflow/tfjs-node': tf.version_core,
  'google-protobuf': '3.21.4',
  'node-api-headers': '1.9.0',
};

/** Largest difference from pure JavaScript that the self-test accepts; GPUs multiply in reduced precision (TF32). */
const TOLERANCE = 5e-3;

/** Options of {@link linkTensorflow}. */
export interface LinkOptions {
  /** Python whose TensorFlow to use. Default: that of the active virtual environment, then `python3`, then `python`. */
  python?: string;
  /** Receives a line at the start of each step. Default: none. */
  onNote?: NoteListener;
}

/** Result of {@link linkTensorflow}. */
export interface LinkResult extends LinkRecord {
  /** Folder of the link. */
  directory: string;
  selfTest: SelfTestResult;
}

/**
 * Links the tensorflow engine to the TensorFlow of a Python environment. An existing link is replaced only after the new
 * one has passed its self-test.
 *
 * @throws EngineUnavailableError, MissingFileError or WriteError, saying what is missing.
 */
export async function linkTensorflow(options: LinkOptions = {}): Promise<LinkResult> {
  const note = options.onNote ?? (() => {});
  const tensorflow = await findTensorflow(options.python);
  const compiler = await findCompiler();
  note(`TensorFlow ${tensorflow.version} of ${tensorflow.python}`);
  const directory = linkDirectory();
  const staging = openStaging(directory);
  const fresh = staging.directory;
  try {
    note(`fetching the sources of tfjs-node ${tf.version_core}`);
    await fetchPackages(fresh, PACKAGES);
    writeSharedTfjs(fresh);
    note('compiling the binding');
    await compileBinding(compiler, tensorflow, {
      tfjsNode: join(fresh, 'node_modules', '@tensorflow', 'tfjs-node'),
      headers: join(fresh, 'node_modules', 'node-api-headers'),
      output: fresh,
    });
    note('testing it, and asking TensorFlow for its devices');
    const [selfTest, devices] = await Promise.all([
      testBinding(fresh, tensorflow.libraries[0]),
      listDevices(tensorflow.python),
    ]);
    const record: LinkRecord = {
      schemaVersion: LINK_SCHEMA_VERSION,
      tfjs: tf.version_core,
      tensorflow: selfTest.tensorflow,
      python: tensorflow.python,
      library: tensorflow.libraries[0],
      ...fingerprintLibrary(tensorflow.libraries[0]),
      devices,
    };
    writeJsonAtomic(join(fresh, 'link.json'), record);
    publishDirectory(staging, () => {});
    return { directory, ...record, selfTest };
  } catch (error) {
    discardStaging(staging);
    throw asWriteError(error, directory);
  }
}

/** Removes the link. @returns whether there was one. */
export function unlinkTensorflow(): { directory: string; removed: boolean } {
  const directory = linkDirectory();
  const removed = existsSync(directory);
  try {
    rmSync(directory, { recursive: true, force: true });
  } catch (error) {
    throw asWriteError(error, directory);
  }
  return { directory, removed };
}

async function testBinding(directory: string, library: string): Promise<SelfTestResult> {
  const remedy = 'use another TensorFlow, or report it with the output of `wnn doctor`';
  let result: SelfTestResult;
  try {
    const program = fileURLToPath(new URL('./selfTest.js', import.meta.url));
    const { stdout } = await run(process.execPath, [program, directory, library]);
    result = JSON.parse(stdout) as SelfTestResult;
  } catch (cause) {
    const { stderr = '', signal } = cause as { stderr?: string; signal?: string };
    const reason = stderr.split('\n').find((line) => /^\w*Error\b|\berror:/.test(line)) ?? signal ?? 'no output';
    throw new EngineUnavailableError({
      what: `the compiled binding does not run (${reason.trim()})`,
      where: directory,
      remedy,
      cause,
    });
  }
  if (!(Math.max(result.productError, result.trainingError) <= TOLERANCE)) {
    const errors = `product off by ${result.productError}, training step by ${result.trainingError}`;
    throw new EngineUnavailableError({ what: `TensorFlow gives wrong results (${errors})`, where: directory, remedy });
  }
  return result;
}
