// The judgment of the shipped nowcaster: the evaluation of judge.yaml and its page. Called again, also after a kill, it goes on
// where it was. Arguments go to `wnn evaluate`, e.g. --epochs 2 --train-examples 200 for a trial of the whole way; they need an
// OUT of their own.
//
//   PUBLISHED=DIR  also judges the published weights: a directory with NWNN_{Conv,FC,Bias}_13.h5
//   OUT=DIR        where results go; default data/judge, whose page is also written to docs/judge.html

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

interface Judgment {
  suite: string;
  tune: number;
  seeds: number[];
  methods: string[];
  published: string[];
}

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const OUT = process.env.OUT ?? join(ROOT, 'data', 'judge');
const judgment: Judgment = parse(readFileSync(join(ROOT, 'scripts', 'judge.yaml'), 'utf8'));

/** Runs a command of the toolkit; ends with its status when it fails. */
function wnn(...words: string[]): void {
  const { status } = spawnSync(process.execPath, [join(ROOT, 'dist', 'cli', 'main.js'), ...words], {
    stdio: 'inherit',
  });
  if (status !== 0) process.exit(status ?? 1);
}

/** The methods with the published weights, which are exported first. */
function publishedMethods(directory: string): string[] {
  const to = join(OUT, 'published');
  const files = ['Conv', 'FC', 'Bias'].map((kind) => join(directory, `NWNN_${kind}_13.h5`));
  if (!existsSync(join(to, 'nowcaster.json'))) wnn('export', '--from', files.join(','), '--to', to, '--tag', '13');
  return judgment.published.map((method) => method.replace('DIR', relative(process.cwd(), to)));
}

const given = process.argv.slice(2);
if (given.length > 0 && process.env.OUT === undefined) {
  process.stderr.write('judge: other settings: --suite and the like were given; set OUT to a directory of their own\n');
  process.exit(2);
}
const published = process.env.PUBLISHED ? publishedMethods(process.env.PUBLISHED) : [];
const { suite, tune, seeds, methods } = judgment;
wnn(
  'evaluate',
  ...['--suite', suite, '--tune', String(tune), '--seed', seeds.join(','), '--engine', 'wasm', '--out', OUT],
  ...['--method', ...methods, ...published],
  ...given,
);
const title = ['--title', 'Weight nowcasting against tuned baselines'];
wnn('report', OUT, ...title);
if (process.env.OUT === undefined) wnn('report', OUT, ...title, '--out', join(ROOT, 'docs', 'judge.html'));
