// Which process a temporary file belongs to, and whether that process may still be at work. The answer is in the name of
// the file, so that no lock is left behind: the leftovers of a dead process can be told from the files of a living one.

import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** A process, as the names of its temporary files tell it. */
export interface Owner {
  /** Hash of the host's name, its machine id and the namespace of its process ids. */
  machine: string;
  /** Hash of what changes with each start of the machine; `0` where the system does not tell. */
  boot: string;
  pid: number;
  /** Start of the process in the system's ticks, which tells apart processes of one id; 0 where the system does not tell. */
  start: number;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
}

function processNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
}

const shortHash = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 6);

/** State and start of a process from /proc; null when there is none. */
function readStat(pid: number): { state: string; start: number } | null {
  const text = readText(`/proc/${pid}/stat`);
  if (text === '') return null;
  // The name of the program is in parentheses and may hold anything.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0], start: Number(fields[19]) };
}

const bootId = readText('/proc/sys/kernel/random/boot_id');

/** This process. */
export const SELF: Owner = {
  machine: shortHash(`${hostname()}\n${readText('/etc/machine-id')}\n${processNamespace()}`),
  boot: bootId === '' ? '0' : shortHash(bootId),
  pid: process.pid,
  start: readStat(process.pid)?.start ?? 0,
};

/** Whether a process is at work; null when that cannot be known here, since it is of another machine. */
export function isAlive({ machine, boot, pid, start }: Owner): boolean | null {
  if (machine !== SELF.machine) return null;
  if (boot !== SELF.boot) return false;
  if (pid === SELF.pid) return start === SELF.start;
  const stat = readStat(pid);
  if (stat !== null) return stat.start === start && stat.state !== 'Z' && stat.state !== 'X';
  if (SELF.start !== 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
