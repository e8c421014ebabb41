// Reading a run as a job that leaves a part: what is to be done, how it is named and where its result is.

import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { TOOLKIT_VERSION } from '../version.js';
import type { RunTask } from './extractRun.js';

/** One run to read. */
export interface PartJob {
  task: RunTask;
  /** Of the run; see hashRun. */
  sha256: string;
  /** Directory to write the part to. */
  out: string;
}

/** Where the part of a job is. */
export function partPath(parts: string, id: string): string {
  return join(parts, `${id}.part`);
}

/** The job's id: the run's, and a hash of all that decides the part's bytes. */
export function partId({ index: _index, directory: _directory, ...task }: RunTask, sha256: string): string {
  const hash = createHash('sha256').update(JSON.stringify({ version: TOOLKIT_VERSION, sha256, task }));
  return `${task.id}-${hash.digest('hex').slice(0, 12)}`;
}

/** Work on a task, in MB of trajectory. */
export function megabytesOf({ tensors, snapshots }: RunTask): number {
  return (4 * snapshots * tensors.reduce((sum, { size }) => sum + size, 0)) / 1e6;
}
