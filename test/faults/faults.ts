// Processes that are killed at chosen moments, and what they leave.

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseTemporaryName } from '../../src/files/temporary.js';
import { runInProcess } from '../cli/inProcess.js';

/** The command line of the built toolkit. */
export const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const COMMAND_LINE = new URL('../../dist/cli/commandLine.js', import.meta.url).href;
const KILL_AT = fileURLToPath(new URL('./killAt.mjs', import.meta.url));

export interface KillOptions {
  /** Which of the counted calls is not reached; 0: none. */
  at: number;
  /** Functions of node:fs that count. Default: renameSync. */
  calls?: readonly string[];
  /** Only processes whose entry holds this text. */
  only?: string;
}

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
  /** Calls that the process itself had made at its end; undefined when it was killed. */
  count: number | undefined;
}

/** Runs a program of Node to its end, or to its kill. */
export async function runProgram(words: readonly string[], kill: KillOptions = { at: 0 }): Promise<Ended> {
  const folder = mkdtempSync(join(tmpdir(), 'wnn-count-'));
  const counts = join(folder, 'counts');
  const child = spawn(process.execPath, words, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      NODE_OPTIONS: `--import=${KILL_AT}`,
      WNN_KILL_AT: String(kill.at),
      ...(kill.calls && { WNN_KILL_CALLS: kill.calls.join(',') }),
      ...(kill.only && { WNN_KILL_ONLY: kill.only }),
      WNN_COUNT_TO: counts,
    },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (...end) => resolve(end));
  });
  let count: number | undefined;
  try {
    count = Math.max(...readFileSync(counts, 'utf8').trim().split('\n').map(Number));
  } catch {
    // Killed before it could say.
  }
  rmSync(folder, { recursive: true, force: true });
  return { code, signal, stdout, stderr, count };
}

/** Runs `wnn`. */
export const wnn = (words: readonly string[], kill?: KillOptions) => runProgram([MAIN, ...words], kill);

/**
 * Runs `wnn` in this process, which is quicker. Not where leftovers of a killed process are to go: each process looks for them
 * once a directory.
 */
export async function wnnHere(words: readonly string[]): Promise<Pick<Ended, 'code' | 'stdout' | 'stderr'>> {
  const { runCommandLine } = (await import(COMMAND_LINE)) as typeof import('../../src/cli/commandLine.js');
  const { status, out, err } = await runInProcess(runCommandLine, words);
  return { code: status, stdout: out, stderr: err };
}

/** The files of a directory by their relative paths, each with the hash of its content. */
export function hashTree(directory: string): Record<string, string> {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = entries.map(({ parentPath, name }) => join(parentPath, name)).sort();
  return Object.fromEntries(
    paths.map((path) => [
      path.slice(directory.length + 1),
      createHash('sha256').update(readFileSync(path)).digest('hex').slice(0, 16),
    ]),
  );
}

/** Temporary names anywhere in a directory. */
export function leftovers(directory: string): string[] {
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' });
  return names.filter((path) => parseTemporaryName(path.split(/[\\/]/).at(-1) ?? '') !== null);
}
