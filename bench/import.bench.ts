// How long `wnn collect import` takes beside reading the same checkpoints with safetensors in Python, and its memory.
//
//   npm run bench:import -- [--checkpoints 20] [--megabytes 100] [--rounds 2] [--dir DIR] [--json]
//
// Each contender is a process of its own, with the files in the page cache; they take turns, and each keeps its best round.
// PYTHON names the interpreter that has numpy, safetensors and pyarrow (default python3). The checkpoints and what is made
// of them are written under --dir (default: the system's temporary directory) and removed at the end.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { formatTable } from '../src/cli/table.js';

const { values: options } = parseArgs({
  options: {
    checkpoints: { type: 'string', default: '20' },
    megabytes: { type: 'string', default: '100' },
    rounds: { type: 'string', default: '2' },
    dir: { type: 'string', default: tmpdir() },
    json: { type: 'boolean', default: false },
  },
});

/** What a process took. */
interface Usage {
  seconds: number;
  /** Of the processor, all threads together. */
  coreSeconds: number;
  /** In bytes. */
  peakMemory: number;
}

const directory = mkdtempSync(join(options.dir, 'wnn-bench-import-'));
const checkpoints = join(directory, 'checkpoints');
const peer = fileURLToPath(new URL('import_peer.py', import.meta.url));

function run(command: string, args: string[]): Usage {
  const text = execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  return JSON.parse(text.trim().split('\n').at(-1) as string);
}

const python = (...args: string[]) => run(process.env.PYTHON ?? 'python3', [peer, ...args]);

/** In a process that says what it took. */
function importAll(round: number): Usage {
  const script = `
    const { importCheckpoints } = await import(${JSON.stringify(new URL('../dist/collect/index.js', import.meta.url).href)});
    const [begin, before] = [performance.now(), process.cpuUsage()];
    await importCheckpoints({ sources: [${JSON.stringify(checkpoints)}], store: ${JSON.stringify(join(directory, `store-${round}`))} });
    const { user, system } = process.cpuUsage(before);
    console.log(JSON.stringify({
      seconds: (performance.now() - begin) / 1000,
      coreSeconds: (user + system) / 1e6,
      peakMemory: process.resourceUsage().maxRSS * 1024,
    }));`;
  const usage = run(process.execPath, ['--input-type=module', '-e', script]);
  rmSync(join(directory, `store-${round}`), { recursive: true });
  return usage;
}

function main(): void {
  python('make', checkpoints, options.checkpoints, options.megabytes);
  const contenders: Record<string, (round: number) => Usage> = {
    'wnn collect import': importAll,
    'safetensors, reading': () => python('read', checkpoints),
    'safetensors and pyarrow, to the same Parquet': () => {
      const out = join(directory, 'peer.parquet');
      const usage = python('store', checkpoints, out);
      rmSync(out);
      return usage;
    },
  };
  const best: Record<string, Usage> = {};
  for (let round = 0; round < Number(options.rounds); round++)
    for (const [name, measure] of Object.entries(contenders)) {
      const usage = measure(round);
      if (!(best[name]?.coreSeconds <= usage.coreSeconds)) best[name] = usage;
    }
  if (options.json) {
    console.log(JSON.stringify(best, null, 2));
    return;
  }
  const base = best['wnn collect import'];
  const rows = Object.entries(best).map(([name, { seconds, coreSeconds, peakMemory }]) => [
    name,
    seconds.toFixed(1),
    coreSeconds.toFixed(1),
    `x${(base.coreSeconds / coreSeconds).toFixed(2)}`,
    (peakMemory / 1e6).toFixed(0),
  ]);
  console.log(`${options.checkpoints} checkpoints of ${options.megabytes} MB\n`);
  console.log(formatTable(['contender', 'seconds', 'of a core', 'import over it', 'peak memory, MB'], rows));
}

try {
  main();
} finally {
  rmSync(directory, { recursive: true, force: true });
}
