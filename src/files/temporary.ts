// Names of what is not finished, and the clearing of what dead processes left of it. A name holds its process and a
// checksum: nothing that a user or another program made is ever taken for ours, and nothing of a living process is touched.

import { createHash, randomInt } from 'node:crypto';
import { readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { isAlive, type Owner, SELF } from './owner.js';

/**
 * What a temporary name is for: `tmp` is being written, `former` was moved aside by what takes its place, `claim` marks a
 * piece of work as taken.
 */
export type TemporaryRole = 'tmp' | 'former' | 'claim';

/** A temporary name, taken apart. */
export interface TemporaryName {
  /** The whole name, without its directory. */
  name: string;
  /** The name of what it stands for; of long ones a shortened form. */
  stem: string;
  role: TemporaryRole;
  /** Names of one attempt share it. */
  attempt: string;
  owner: Owner;
}

/** Longer names are shortened, since file systems take 255 bytes. */
const LONGEST_STEM = 180;
/** Untouched for so long, the file of a process on another machine counts as left behind. */
const WEEK_MS = 7 * 24 * 3600 * 1000;
const PATTERN =
  /^(.+)\.wnn-(([0-9a-f]{6})-([0-9a-f]{6}|0)-([0-9a-z]+)-([0-9a-z]+)-[0-9a-z]+)-([0-9a-f]{8})\.(tmp|former|claim)$/;

const hash = (text: string) => createHash('sha256').update(`weight-nowcaster ${text}`).digest('hex').slice(0, 8);

function stemOf(path: string): string {
  const name = basename(path);
  return name.length <= LONGEST_STEM ? name : `${name.slice(0, LONGEST_STEM - 9)}~${hash(name)}`;
}

/** An attempt of this process at writing something; tells it apart from all others. */
export function newAttempt(): string {
  const { machine, boot, pid, start } = SELF;
  return [machine, boot, pid.toString(36), start.toString(36), randomInt(36 ** 6).toString(36)].join('-');
}

/** A name beside `path` that only this process uses. Each call gives another unless the attempt is given. */
export function temporaryName(path: string, role: TemporaryRole = 'tmp', attempt = newAttempt()): string {
  const stem = stemOf(path);
  return join(dirname(path), `${stem}.wnn-${attempt}-${hash(`${stem} ${attempt}`)}.${role}`);
}

/** Takes a name apart; null when this toolkit has not made it. */
export function parseTemporaryName(name: string): TemporaryName | null {
  const match = PATTERN.exec(name);
  if (match === null) return null;
  const [, stem, attempt, machine, boot, pid, start, check, role] = match;
  if (check !== hash(`${stem} ${attempt}`)) return null;
  const owner = { machine, boot, pid: Number.parseInt(pid, 36), start: Number.parseInt(start, 36) };
  return { name, stem, role: role as TemporaryRole, attempt, owner };
}

/** The temporary names in a directory; only those that stand for `path` when it is given. */
export function listTemporary(directory: string, path?: string): TemporaryName[] {
  const stem = path === undefined ? undefined : stemOf(path);
  let names: string[];
  try {
    names = readdirSync(directory);
  } catch {
    return [];
  }
  return names.flatMap((name) => {
    const parsed = parseTemporaryName(name);
    return parsed !== null && (stem === undefined || parsed.stem === stem) ? [parsed] : [];
  });
}

/** Removes a temporary file after an error, which says more than why it cannot be removed: the directory may be a file. */
export function discardTemporary(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // The next process that writes here tries again.
  }
}

function newestChange(path: string): number {
  const status = statSync(path, { throwIfNoEntry: false });
  if (status === undefined) return 0;
  const inside = status.isDirectory() ? readdirSync(path) : [];
  return Math.max(status.mtimeMs, ...inside.map((name) => newestChange(join(path, name))));
}

/** Whether the process that made it has ended; of other machines, whether nothing has changed in it for a week. */
export function isLeftover(directory: string, { name, owner }: TemporaryName): boolean {
  const alive = isAlive(owner);
  return alive === null ? Date.now() - newestChange(join(directory, name)) > WEEK_MS : !alive;
}

/**
 * Puts a directory in order after processes that were killed: a replacement that was cut off is completed, then what they
 * left is removed. Does nothing where this process may not write.
 *
 * @param path only what stands for this path in the directory. Default: all.
 */
export function clearLeftovers(directory: string, path?: string): void {
  // A shortened name tells what it stands for only to those who ask for that.
  const left = listTemporary(directory, path).filter(
    (entry) => (path !== undefined || entry.stem.length < LONGEST_STEM) && isLeftover(directory, entry),
  );
  const at = ({ name }: TemporaryName) => join(directory, name);
  try {
    for (const former of left.filter(({ role }) => role === 'former')) {
      const target = path ?? join(directory, former.stem);
      if (statSync(target, { throwIfNoEntry: false }) !== undefined) continue;
      // The former is only moved aside for one that is whole.
      const next = left.find(({ role, stem, attempt }) => {
        return role === 'tmp' && stem === former.stem && attempt === former.attempt;
      });
      renameSync(at(next ?? former), target);
    }
    for (const entry of left) rmSync(at(entry), { recursive: true, force: true });
  } catch {
    // Another process does the same now, or this one may only read.
  }
}

const cleared = new Set<string>();

/** {@link clearLeftovers} of a whole directory, once in the life of this process. */
export function clearLeftoversOnce(directory: string): void {
  if (cleared.has(directory)) return;
  cleared.add(directory);
  clearLeftovers(directory);
}
