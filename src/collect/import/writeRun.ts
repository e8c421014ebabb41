// Makes one run of a store: reads its checkpoints one after the other and writes each as an epoch.

import { existsSync, mkdirSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { asWriteError } from '../../atomic.js';
import { InsufficientDataError } from '../../errors.js';
import { runDirectory } from '../../trajectory/manifest.js';
import { RunWriter } from '../../trajectory/runWriter.js';
import type { RunInfo, RunStatus, TensorSpec } from '../../trajectory/schema.js';
import type { KernelLayout } from '../importers/importer.js';
import { allFinite } from '../namedTensors.js';
import type { PlannedImport } from './plan.js';
import { type LeftOut, readCheckpoint } from './readCheckpoint.js';
import { alignTensors } from './sameTensors.js';

/** Options of {@link writeRun}. */
export interface WriteOptions {
  layout: 'auto' | KernelLayout;
  task?: string;
  architecture?: string;
  /** When aborted, the run is dropped and the reason thrown. */
  signal?: AbortSignal;
  /** Told how many files were read. */
  onRead(files: number): void;
}

/** A run that was written. */
export interface WrittenRun {
  id: string;
  directory: string;
  status: RunStatus;
  reason: string | null;
  epochs: number;
  files: string[];
  tensors: TensorSpec[];
  leftOut: LeftOut;
}

/** What is known of the run before its checkpoints are read. */
function describeRun({ id, importer, files }: PlannedImport, options: WriteOptions): RunInfo {
  return {
    id,
    source: 'import',
    task: options.task ?? null,
    architecture: options.architecture ?? null,
    optimizer: null,
    hyperparameters: {
      format: importer.id,
      checkpoints: files.length,
      firstCheckpoint: basename(files[0]),
      lastCheckpoint: basename(files[files.length - 1]),
    },
    seed: null,
    engine: null,
    epochsPlanned: null,
  };
}

/** Reads the checkpoints of a run into a store of its own. Only one checkpoint is in memory at a time. */
async function recordCheckpoints(
  store: string,
  plan: PlannedImport,
  options: WriteOptions,
): Promise<Omit<WrittenRun, 'directory'>> {
  const { layout, signal, onRead } = options;
  let writer: RunWriter | undefined;
  let tensors: TensorSpec[] = [];
  let leftOut: LeftOut = { optimizer: 0, notFloat: 0 };
  let epoch = 0;
  let divergence: string | null = null;
  try {
    for (const [i, path] of plan.files.entries()) {
      await plan.importer.open(path, async (listed) => {
        signal?.throwIfAborted();
        if (divergence !== null) return;
        const checkpoint = await readCheckpoint(listed, layout);
        if (writer === undefined) {
          leftOut = checkpoint.leftOut;
          tensors = checkpoint.tensors.map(({ values: _, ...spec }) => spec);
          if (tensors.length === 0) {
            throw new InsufficientDataError({
              what: 'no weights',
              where: path,
              remedy: 'import checkpoints that hold arrays of floats',
            });
          }
        }
        const values = alignTensors(tensors, plan.files[0], checkpoint, path);
        if (!allFinite(values)) {
          divergence = `a weight is not finite in ${basename(path)}`;
          if (epoch > 0) return;
          throw new InsufficientDataError({
            what: 'a weight of the first checkpoint is not finite',
            where: path,
            remedy: 'leave it out',
          });
        }
        writer ??= RunWriter.create(store, describeRun(plan, options), tensors);
        await writer.append({ epoch: epoch++, values, metrics: {} });
      });
      if (divergence !== null) break;
      onRead(i + 1);
    }
    if (writer === undefined) throw new Error(`no checkpoints in ${plan.files.join(', ')}`);
    signal?.throwIfAborted();
    const whole = writer;
    writer = undefined;
    const { status, reason } = await whole.finish(divergence === null ? 'complete' : 'diverged', divergence);
    return { id: plan.id, status, reason, epochs: epoch, files: plan.files, tensors, leftOut };
  } catch (error) {
    writer?.abandon();
    throw error;
  }
}

/**
 * Makes a run beside the store and moves it in when it is whole, so that what fails leaves nothing behind.
 *
 * @throws the errors of the importer; MismatchError when the tensors change from file to file;
 *   {@link InsufficientDataError} for checkpoints without weights; WriteError.
 */
export async function writeRun(store: string, plan: PlannedImport, options: WriteOptions): Promise<WrittenRun> {
  const directory = runDirectory(store, plan.id);
  const staging = join(store, `.import-${plan.id}`);
  const storeWasThere = existsSync(store);
  try {
    // What an import that was killed left behind.
    rmSync(staging, { recursive: true, force: true });
    mkdirSync(staging, { recursive: true });
  } catch (error) {
    throw asWriteError(error, store);
  }
  try {
    const made = await recordCheckpoints(staging, plan, options);
    options.signal?.throwIfAborted();
    try {
      renameSync(runDirectory(staging, plan.id), directory);
    } catch (error) {
      throw asWriteError(error, directory);
    }
    return { ...made, directory };
  } finally {
    rmSync(staging, { recursive: true, force: true });
    if (!storeWasThere && !existsSync(directory)) removeEmptyDirectory(store);
  }
}

function removeEmptyDirectory(directory: string): void {
  try {
    rmdirSync(directory);
  } catch {
    // Something else has come into it.
  }
}
