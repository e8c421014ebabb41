// What stands in a queue for a job, and its check: a queue is an input like any other, and whoever can write to it must
// not be able to make a worker touch other files or load code.

import { isAbsolute, join, normalize, relative, resolve, sep } from 'node:path';
import { UsageError } from '../errors.js';
import { JOB_ID_PATTERN } from '../jobs/index.js';

/** Version of {@link QueuedJob}. */
const FORMAT = 1;
/** Characters of a job's JSON, at most: a run of a thousand tensors has 100,000. */
const LARGEST_JOB = 2 ** 20;
const LONGEST_PATH = 1000;

/** A job as it stands in a queue. */
export interface QueuedJob {
  format: typeof FORMAT;
  /** The stage that it is of. */
  kind: string;
  id: string;
  /** Toolkit that planned it; others may number, draw or write otherwise. */
  toolkitVersion: string;
  /** Directory of the plan, relative to the shared directory, with `/`. */
  directory: string;
  /** What stands in that directory's token file. */
  token: string;
  /** Size, in the units of its kind; for progress only. */
  units: number;
  /** Checked by its kind. */
  spec: unknown;
}

/** How far a job is, as its worker tells the queue. */
export interface QueuedProgress {
  fraction: number;
  detail: string;
  rate: number;
  /** Machine and process. */
  worker: string;
}

/** What a worker told of its job; anyone can write that too. */
export function readProgress(value: unknown): QueuedProgress {
  const { fraction, detail, rate, worker } = (value ?? {}) as Partial<QueuedProgress>;
  const text = (value: unknown) => (typeof value === 'string' ? value.replace(/\p{Cc}/gu, '').slice(0, 100) : '');
  const number = (value: unknown) => (typeof value === 'number' && value >= 0 ? value : 0);
  return { fraction: Math.min(1, number(fraction)), detail: text(detail), rate: number(rate), worker: text(worker) };
}

export function makeMessage(fields: Omit<QueuedJob, 'format'>): QueuedJob {
  return { format: FORMAT, ...fields };
}

/**
 * Checks what came from a queue, but for `spec`.
 *
 * @throws {@link UsageError} saying what is wrong with it.
 */
export function checkMessage(data: unknown): QueuedJob {
  const text = JSON.stringify(data) ?? '';
  if (text.length > LARGEST_JOB) throw refusal(`${text.length} characters, at most ${LARGEST_JOB}`, 'its data');
  if (typeof data !== 'object' || data === null) throw refusal('not an object', text.slice(0, 60));
  const job = data as Partial<Record<keyof QueuedJob, unknown>>;
  if (job.format !== FORMAT) throw refusal(`format ${JSON.stringify(job.format)?.slice(0, 20)}`, 'format');
  if (typeof job.id !== 'string' || !JOB_ID_PATTERN.test(job.id)) throw refusal('impossible id', excerpt(job.id));
  if (typeof job.kind !== 'string') throw refusal('no kind', job.id);
  if (typeof job.toolkitVersion !== 'string' || job.toolkitVersion.length > 100)
    throw refusal('no toolkit version', job.id);
  if (typeof job.directory !== 'string') throw refusal('no directory', job.id);
  if (typeof job.token !== 'string' || !/^[0-9a-f]{32}$/.test(job.token)) throw refusal('no token', job.id);
  if (typeof job.units !== 'number' || !(job.units >= 0)) throw refusal('impossible size', job.id);
  return job as QueuedJob;
}

/** The error for a job that is not to be done. */
export function refusal(what: string, where: string): UsageError {
  return new UsageError({ what: `refused job: ${what}`, where, remedy: 'remove it with `wnn queue clean`' });
}

/** A value from a queue, short enough and plain enough to be shown. */
export function excerpt(value: unknown): string {
  const text = JSON.stringify(value) ?? 'undefined';
  return text.length > 100 ? `${text.slice(0, 97)}...` : text;
}

/**
 * Name of a path for machines that have the shared directory elsewhere.
 *
 * @throws {@link UsageError} when it is not below the shared directory.
 */
export function sharePath(root: string, path: string): string {
  const name = relative(resolve(root), resolve(path));
  if (isAbsolute(name) || name === '..' || name.startsWith(`..${sep}`))
    throw new UsageError({
      what: 'not within the shared directory',
      where: resolve(path),
      remedy: `choose a place below ${resolve(root)}, or give a --root that holds all of the fleet's files`,
    });
  return name.split(sep).join('/');
}

/**
 * The path of such a name on this machine. Links below the shared directory are followed: what it contains is for those
 * who set it up.
 *
 * @throws {@link UsageError} for anything that is not plainly below it.
 */
export function resolveShared(root: string, name: unknown): string {
  if (typeof name !== 'string' || name.length > LONGEST_PATH || /[\0\\]/.test(name))
    throw refusal('impossible path', excerpt(name));
  const parts = name.split('/');
  const plain = name === '' || parts.every((part) => part !== '' && part !== '.' && part !== '..');
  if (!plain || isAbsolute(name) || /^[A-Za-z]:/.test(name))
    throw refusal('path outside the shared directory', excerpt(name));
  return normalize(join(resolve(root), ...parts));
}
