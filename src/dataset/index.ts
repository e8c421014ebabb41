// The dataset stage: extracts training samples from trajectory stores. Reads each run once and writes each sample once.

import { join } from 'node:path';
import { asWriteError, writeJsonAtomic } from '../atomic.js';
import { WnnError } from '../errors.js';
import { discardStaging, openStaging, publishDirectory } from '../files/directory.js';
import type { ProgressEvent } from '../progress.js';
import { DATASET_MANIFEST } from '../samples/index.js';
import { ShardAssembler } from './assembler.js';
import type { RunStatistics } from './extractRun.js';
import { extractRuns, type RunListeners } from './extractRuns.js';
import { checkNotEmpty, describeDataset } from './manifest.js';
import type { DatasetOptions, DatasetResult } from './options.js';
import { makeParts, mergeParts, removeParts } from './parts.js';
import { checkPlace, prepareDataset } from './prepare.js';
import { trackProgress } from './progress.js';
import { findSame } from './reuse.js';

export { BALANCES, type Balance, type DatasetOptions, type DatasetResult, type HoldOut } from './options.js';
export { extractShard, type ShardResult } from './parts.js';

/**
 * Builds samples from trajectory stores.
 *
 * The drawn scalars, the validation split, and the shard and position of each sample depend only on the seed and the run
 * ids: the same inputs give the same bytes with any number of threads and any executor. The samples appear under their
 * directory when they are complete; the next build removes what a killed one left beside it.
 *
 * @throws UsageError for impossible options, or when `out` holds anything but samples.
 * @throws InsufficientDataError when the stores hold no usable run, only runs shorter than L + H snapshots, or no weight that
 *   changes, or when the executor could not read a run.
 * @throws MissingFileError, CorruptFileError or SchemaVersionError for stores that cannot be read.
 * @throws WriteError when the disk is full; existing samples are kept.
 */
export async function buildDataset(options: DatasetOptions): Promise<DatasetResult> {
  const { executor, onProgress = () => {}, onNote = () => {}, signal } = options;
  const prepared = await prepareDataset(options);
  const { settings, runs, plan, dir, parts, jobs } = prepared;
  if (settings.reuse) {
    const manifest = findSame(prepared);
    if (manifest) return { dir, manifest, reused: true };
  }
  if (!plan.splits.includes('val'))
    onNote(
      runs.length === 1
        ? 'one run, so that none is kept for validation, which `wnn train` needs: record another'
        : 'no run is kept for validation, which `wnn train` needs: give --validation-share or --hold-out',
    );

  const fromParts = options.merge || executor !== undefined;
  if (executor) {
    // Merging uses the progress bar named `dataset`.
    const onParts = (event: ProgressEvent) => onProgress({ ...event, task: 'dataset parts' });
    await makeParts(executor, parts, jobs, { ...options, onProgress: onParts });
  }
  const staging = openStaging(dir);
  try {
    const statistics: RunStatistics[] = [];
    const ids = runs.map(({ id }) => id);
    const assembler = new ShardAssembler(staging.directory, plan.packet, ids, settings.seed);
    const { onAdvance, onEnd } = trackProgress(plan, onProgress);
    const listeners: RunListeners = {
      onPacket: (index, packet) => assembler.take(packet, plan.splits[index], index),
      onRun: (run) => {
        statistics[run.index] = run;
      },
      onAdvance,
    };
    if (fromParts) await mergeParts(prepared, listeners, signal);
    else await extractRuns(plan.tasks, listeners, { ...plan, signal });
    const manifest = describeDataset(prepared, statistics, assembler.finish());
    checkNotEmpty(manifest, settings);
    for (const [kind, { samples }] of Object.entries(manifest.kinds))
      if (samples === 0) onNote(`no samples of kind ${kind}`);
    writeJsonAtomic(join(staging.directory, DATASET_MANIFEST), manifest);
    signal?.throwIfAborted();
    publishDirectory(staging, checkPlace);
    if (fromParts) removeParts(prepared);
    onEnd();
    return { dir, manifest, reused: false };
  } catch (error) {
    discardStaging(staging);
    throw error instanceof WnnError ? error : asWriteError(error, dir);
  }
}
