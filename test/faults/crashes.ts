// The six commands on little data, killed right before one of their changes of the file system and run again. For the test
// and for the longer check in scripts/verify-crash.ts.

import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hashTree, leftovers, wnn, wnnHere } from './faults.js';

const PLAN = `
tasks: [mnist/lenet]
runs: 2
epochs: 12
seed: 5
batchSizes: [32]
trainExamples: 96
validationExamples: 32
width: 0.25
`;

/** Functions of node:fs that change something. */
const CHANGES = ['renameSync', 'openSync', 'mkdirSync', 'rmSync', 'writeSync', 'writeFileSync', 'rmdirSync'];

/** A command, given where the results of those before it are. */
interface Scenario {
  words(base: string, out: string): string[];
  /** Arguments that make something else at the place first, which the command then replaces. */
  before?: (base: string) => string[];
  /** Entry of the process to kill instead of the command's own: a worker. */
  worker?: string;
}

const EXPORT = ['--tag', 'x', '--format', 'h5,safetensors,onnx', '--overwrite'];

export const SCENARIOS = {
  collect: {
    words: (base, out) => [
      'collect',
      ...['--plan', join(base, 'plan.yaml'), '--store', out, '--engine', 'wasm', '--workers', '1'],
    ],
    worker: 'collect/worker',
  },
  dataset: {
    words: (base, out) => ['dataset', join(base, 'collect'), '--out', out],
    before: () => ['--seed', '7'],
  },
  train: {
    words: (base, out) => [
      'train',
      join(base, 'dataset'),
      ...['--out', out, '--steps', '20', '--validation-steps', '5', '--engine', 'wasm', '--threads', '1'],
    ],
  },
  export: {
    words: (base, out) => ['export', '--from', join(base, 'train'), '--to', out, ...EXPORT],
    before: () => ['--step-scale', '0.5'],
  },
  npm: {
    words: (base, out) => ['export', '--from', join(base, 'train'), '--to', out, '--format', 'npm', '--name', 'x'],
  },
  evaluate: {
    words: (_base, out) => [
      'evaluate',
      ...['--task', 'mnist/mlp', '--seed', '1', '--epochs', '3', '--method', 'linear', '--out', out],
      ...['--train-examples', '96', '--validation-examples', '32', '--engine', 'wasm', '--workers', '1'],
    ],
    worker: 'evaluate/worker',
  },
  report: {
    words: (base, out) => ['report', join(base, 'evaluate'), '--out', join(out, 'report.html')],
    before: () => ['--title', 'another'],
  },
} satisfies Record<string, Scenario>;

export type ScenarioName = keyof typeof SCENARIOS;
export const SCENARIO_NAMES = Object.keys(SCENARIOS) as ScenarioName[];

/** Wall-clock times differ from run to run; everything else of an evaluation does not. */
function withoutTimes(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutTimes);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, inner]) => (/seconds/i.test(name) ? [] : [[name, withoutTimes(inner)]])),
  );
}

/** What a command has made, for comparison. */
export function resultOf(name: ScenarioName, out: string): Record<string, string> {
  const tree = hashTree(out);
  if (name !== 'evaluate') return tree;
  for (const path of Object.keys(tree))
    if (path.endsWith('.json'))
      tree[path] = JSON.stringify(withoutTimes(JSON.parse(readFileSync(join(out, path), 'utf8'))));
  return tree;
}

async function run(words: string[]): Promise<void> {
  const { code, stderr } = await wnnHere(words);
  if (code !== 0) throw new Error(`wnn ${words.join(' ')} ended with ${code}: ${stderr}`);
}

/** Directories with the undisturbed results of commands. */
export class Crashes {
  readonly base: string;

  constructor(base = mkdtempSync(join(tmpdir(), 'wnn-crash-'))) {
    this.base = base;
    mkdirSync(base, { recursive: true });
    writeFileSync(join(base, 'plan.yaml'), PLAN);
  }

  dispose(): void {
    rmSync(this.base, { recursive: true, force: true });
  }

  /** Runs commands to their end, each unless its result is there. */
  async prepare(names: readonly ScenarioName[] = SCENARIO_NAMES): Promise<void> {
    for (const name of names) {
      const out = join(this.base, name);
      if (!existsSync(out)) await run(SCENARIOS[name].words(this.base, out));
      const scenario: Scenario = SCENARIOS[name];
      const former = `${out}-former`;
      if (scenario.before && !existsSync(former))
        await run([...scenario.words(this.base, former), ...scenario.before(this.base)]);
    }
  }

  /** How many calls the command's own process makes, undisturbed. */
  async count(name: ScenarioName, replacing: boolean, calls: string[]): Promise<number> {
    const scenario: Scenario = SCENARIOS[name];
    const place = mkdtempSync(join(this.base, 'counted-'));
    const out = join(place, 'out');
    if (replacing) cpSync(join(this.base, `${name}-former`), out, { recursive: true });
    const { count } = await wnn(scenario.words(this.base, out), { at: 0, calls, only: 'cli/main' });
    rmSync(place, { recursive: true });
    return count ?? 0;
  }

  /**
   * Runs a command that is killed, and again.
   *
   * @param at the change before which it is killed, from 1.
   * @param options whether a worker is killed rather than the command, something is replaced, and which changes count.
   * @returns whether it came to the kill, and what is wrong afterwards; null when nothing is.
   */
  async kill(
    name: ScenarioName,
    at: number,
    {
      worker = false,
      replacing = false,
      calls = CHANGES,
    }: { worker?: boolean; replacing?: boolean; calls?: string[] } = {},
  ): Promise<{ killed: boolean; problem: string | null }> {
    const scenario: Scenario = SCENARIOS[name];
    const place = mkdtempSync(join(this.base, 'killed-'));
    const out = join(place, 'out');
    try {
      if (replacing && scenario.before) cpSync(join(this.base, `${name}-former`), out, { recursive: true });
      const words = scenario.words(this.base, out);
      const first = await wnn(words, { at, calls, only: worker ? (scenario.worker ?? 'cli/main') : 'cli/main' });
      const killed = first.code !== 0;
      const second = await wnn(words);
      const expected = resultOf(name, join(this.base, name));
      const problems = [
        second.code === 0 ? null : `run again it ended with ${second.code}: ${second.stderr.trim().split('\n').at(-1)}`,
        second.code !== 0 || JSON.stringify(resultOf(name, out)) === JSON.stringify(expected)
          ? null
          : `differs: ${difference(expected, resultOf(name, out))}`,
        leftovers(place).length === 0 ? null : `left behind: ${leftovers(place).join(', ')}`,
      ].filter((problem) => problem !== null);
      return { killed, problem: problems.length === 0 ? null : problems.join('; ') };
    } finally {
      rmSync(place, { recursive: true, force: true });
    }
  }
}

function difference(expected: Record<string, string>, found: Record<string, string>): string {
  const names = [...new Set([...Object.keys(expected), ...Object.keys(found)])];
  return names.filter((name) => expected[name] !== found[name]).join(', ');
}
