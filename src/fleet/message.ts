// The format of a queued job, and its validation. A queue is untrusted input: writing to it must not allow access to other
// files or code on a worker.

import { lstatSync, realpathSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, normalize, relative, resolve, sep } from 'node:path';
import { UsageError } from '../errors.js';
import { JOB_ID_PATTERN } from '../jobs/index.js';

/** Version of {@link QueuedJob}. */
const FORMAT = 1;
/** Maximum characters of a job's JSON: a run of a thousand tensors has 100,000. */
const LARGEST_JOB = 2 ** 20;
const LONGEST_PATH = 1000;

/** A job in the queue. */
export interface QueuedJob {
  format: typeof FORMAT;
  /** Its stage. */
  kind: string;
  id: string;
  /** Version of the toolkit that planned it; results may differ between versions. */
  toolkitVersion: string;
  /** Directory of the plan, relative to the shared directory, with `/`. */
  directory: string;
  /** Content of that directory's token file. */
  token: string;
  /** Size, in the units of its kind; for progress only. */
  units: number;
  /** Validated by its kind. */
  spec: unknown;
  /** How many workers have returned it because they could not run it. Default 0. */
  handBacks?: number;
}

/** Progress of a job, as its worker reports it to the queue. */
export interface QueuedProgress {
  fraction: number;
  detail: string;
  rate: number;
  /** Machine and process. */
  worker: string;
}

/** Parses a worker's progress report, which is untrusted. */
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
 * Validates a job from a queue, except for `spec`.
 *
 * @throws {@link UsageError} when it is invalid.
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

/** The error for a refused job. */
export function refusal(what: string, where: string): UsageError {
  return new UsageError({ what: `refused job: ${what}`, where, remedy: 'remove it with `wnn queue clean`' });
}

/** A value from a queue, shortened and escaped for display. */
export function excerpt(value: unknown): string {
  const text = JSON.stringify(value) ?? 'undefined';
  return text.length > 100 ? `${text.slice(0, 97)}...` : text;
}

/**
 * The name of a path relative to the shared directory, which other machines mount elsewhere.
 *
 * @throws {@link UsageError} when it is not below the shared directory.
 */
export function sharePath(root: string, path: string): string {
  const name = relative(resolve(root), resolve(path));
  if (isAbsolute(name) || name === '..' || name.startsWith(`..${sep}`))
    throw new UsageError({
      what: 'outside the shared directory',
      where: resolve(path),
      remedy: `choose a path below ${resolve(root)}, or give a --root that holds all of the fleet's files`,
    });
  return name.split(sep).join('/');
}

/** Where a path leads once all symbolic links on it are followed; what is not there yet counts as it is written. */
function followLinks(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    const parent = dirname(path);
    // A link to nothing leads anywhere, and others cannot be followed at all.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || parent === path || isLink(path))
      throw refusal('path that cannot be followed', path);
    return join(followLinks(parent), basename(path));
  }
}

const isLink = (path: string) => lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;

/**
 * The path of such a name on this machine.
 *
 * @throws {@link UsageError} for a path that is not below the shared directory, or that a symbolic link leads out of it.
 */
export function resolveShared(root: string, name: unknown): string {
  if (typeof name !== 'string' || name.length > LONGEST_PATH || /[\0\\]/.test(name))
    throw refusal('impossible path', excerpt(name));
  const parts = name.split('/');
  const plain = name === '' || parts.every((part) => part !== '' && part !== '.' && part !== '..');
  if (!plain || isAbsolute(name) || /^[A-Za-z]:/.test(name))
    throw refusal('path outside the shared directory', excerpt(name));
  const path = normalize(join(resolve(root), ...parts));
  const inside = relative(followLinks(resolve(root)), followLinks(path));
  if (isAbsolute(inside) || inside === '..' || inside.startsWith(`..${sep}`))
    throw refusal('a symbolic link leads out of the shared directory', excerpt(name));
  return path;
}
