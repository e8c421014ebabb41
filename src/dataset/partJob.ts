// The job that extracts one run into a part: its spec, its id and the path of its result.

import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { TOOLKIT_VERSION } from '../version.js';
import type { RunTask } from './extractRun.js';

/** Extraction of one run. */
export interface PartJob {
  task: RunTask;
  /** Hash of the run; see hashRun. */
  sha256: string;
  /** Output directory of the part. */
  out: string;
}

/** The path of a job's part. */
export function partPath(parts: string, id: string): string {
  return join(parts, `${id}.part`);
}

/** The job's id: the run's id and a hash of everything that determines the part's bytes. */
export function partId({ index: _index, directory: _directory, ...task }: RunTask, sha256: string): string {
  const hash = createHash('sha256').update(JSON.stringify({ version: TOOLKIT_VERSION, sha256, task }));
  return `${task.id}-${hash.digest('hex').slice(0, 12)}`;
}

/** Size of a task, in MB of trajectory. */
export function megabytesOf({ tensors, snapshots }: RunTask): number {
  return (4 * snapshots * tensors.reduce((sum, { size }) => sum + size, 0)) / 1e6;
}
