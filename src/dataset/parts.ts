// Builds a dataset in two steps, so that several machines can read the runs: executors and shards write parts beside the
// dataset, which are then merged.

import { existsSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { InsufficientDataError } from '../errors.js';
import { clearLeftovers } from '../files/temporary.js';
import { type Job, type JobExecutor, processExecutor, type Shard, takeShard } from '../jobs/index.js';
import type { RunListeners } from './extractRuns.js';
import { datasetJobs } from './jobKind.js';
import type { DatasetOptions } from './options.js';
import { readPart } from './part.js';
import { type PartJob, partPath } from './partJob.js';
import { type PreparedDataset, prepareDataset } from './prepare.js';

/** Result of {@link extractShard}. */
export interface ShardResult {
  /** Directory of the parts. */
  parts: string;
  /** Parts of the whole build, and how many are still missing. */
  runs: number;
  missing: number;
  /** Parts of the shard that were written now, and those that existed. */
  made: number;
  kept: number;
}

/**
 * Extracts every n-th run into a part in `<out>.parts`. When all shards are finished, `buildDataset` with `merge` builds
 * the samples from the parts, with the same bytes as without shards.
 *
 * @throws as `buildDataset`.
 */
export async function extractShard(options: DatasetOptions, shard: Shard): Promise<ShardResult> {
  const { settings, parts, jobs } = await prepareDataset(options);
  const executor = options.executor ?? processExecutor({ workers: Math.max(1, settings.threads) });
  const own = takeShard(jobs, shard);
  const made = await makeParts(executor, parts, own, options);
  return { parts, runs: jobs.length, missing: jobs.filter(isMissing(parts)).length, made, kept: own.length - made };
}

const isMissing =
  (parts: string) =>
  ({ id }: Job<PartJob>) =>
    !datasetJobs.isDone(parts, id);

/**
 * Has the executor write the missing parts. Returns their number.
 *
 * @throws {@link InsufficientDataError} when some runs failed; the executor's errors; `signal.reason`.
 */
export async function makeParts(
  executor: JobExecutor,
  parts: string,
  jobs: readonly Job<PartJob>[],
  { onProgress, onNote, signal }: Pick<DatasetOptions, 'onProgress' | 'onNote' | 'signal'>,
): Promise<number> {
  const missing = jobs.filter(isMissing(parts));
  const outcomes = await executor.execute<PartJob, null>({
    kind: datasetJobs,
    directory: parts,
    jobs: missing,
    unitsBefore: jobs
      .filter((job) => !missing.includes(job))
      .reduce((sum, { spec }) => sum + datasetJobs.unitsOf(spec), 0),
    onProgress,
    onNote,
    signal,
  });
  signal?.throwIfAborted();
  const failed = outcomes.filter((outcome) => outcome.status === 'failed');
  if (failed.length > 0)
    throw new InsufficientDataError({
      what: `${failed.length} of ${jobs.length} runs could not be read (${failed[0].error.message})`,
      where: failed[0].job.id,
      remedy: executor.remedy,
      cause: failed[0].error,
    });
  return missing.length;
}

/** What a queue leaves in the directory of its jobs. */
const TOKEN = '.wnn-token';

/** Removes the parts of a build, and their directory unless it holds anything else. */
export function removeParts({ parts, jobs }: PreparedDataset): void {
  for (const { id } of jobs) rmSync(partPath(parts, id), { force: true });
  clearLeftovers(parts);
  if (!existsSync(parts) || readdirSync(parts).some((name) => name !== TOKEN)) return;
  rmSync(join(parts, TOKEN), { force: true });
  rmdirSync(parts);
}

/**
 * Reads the packets of all parts, in the order of runs.
 *
 * @throws {@link InsufficientDataError} when parts are missing, CorruptFileError when one is damaged.
 */
export async function mergeParts(
  { parts, jobs }: PreparedDataset,
  { onPacket, onRun, onAdvance }: RunListeners,
  signal: AbortSignal | undefined,
): Promise<void> {
  const missing = jobs.filter(isMissing(parts));
  if (missing.length > 0)
    throw new InsufficientDataError({
      what: `${missing.length} of ${jobs.length} parts are missing, first ${missing[0].id}`,
      where: parts,
      remedy: 'extract them with --shard and the same options',
    });
  for (const [index, { id, spec }] of jobs.entries()) {
    const statistics = readPart(partPath(parts, id), spec.task.packet, (packet) => onPacket(index, packet));
    onRun({ ...statistics, index });
    onAdvance([{ index, fraction: 1 }]);
    await new Promise((resolve) => setImmediate(resolve));
    signal?.throwIfAborted();
  }
}
