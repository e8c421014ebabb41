// The command line with a module of one's own that Node loads before it.

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const CLI = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/** Returns a function that runs a command and parses what it prints. @param module name of a module beside this file. */
// biome-ignore lint/suspicious/noExplicitAny: each command prints an object of its own.
export function preloaded(module: string): (...words: string[]) => any {
  const env = { ...process.env, NODE_OPTIONS: `--import ${new URL(module, import.meta.url).href}` };
  return (...words) =>
    JSON.parse(execFileSync('node', [CLI, ...words, '--json', '--quiet'], { encoding: 'utf8', env }));
}
