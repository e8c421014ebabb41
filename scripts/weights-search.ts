// The search for a nowcaster that is worth shipping, by weights/search.yaml: records runs, trains variants, drops those whose
// forecasts agree least with held-out runs, and compares the others by what they save in trainings. Called again, also after a
// kill, it goes on where it was. The table of all that was tried is written to OUT/table.md.
//
//   npm run weights:search [-- SETTINGS.yaml]        OUT=DIR: default data/search

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeFileAtomic } from '../src/atomic.js';
import { readContent } from '../src/evaluation/files.js';
import { RESULTS_NAME } from '../src/evaluation/schema.js';
import { type Agreement, measureAgreement } from './weightsSearch/agreement.js';
import { readSearch, type Variant } from './weightsSearch/settings.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const OUT = process.env.OUT ?? join(ROOT, 'data', 'search');
const search = readSearch(process.argv[2] ?? join(ROOT, 'weights', 'search.yaml'), 'small');

const wordsOf = (text: string) => text.split(/\s+/).filter(Boolean);

/** Runs a command of the toolkit; ends with its status when it fails. */
function wnn(...words: string[]): void {
  const { status } = spawnSync(process.execPath, [join(ROOT, 'dist', 'cli', 'main.js'), ...words], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0) process.exit(status ?? 1);
}

/** A directory whose name tells what it was made with, so that a change of settings makes another. */
const placeOf = (what: string, ...made: string[]) =>
  join(OUT, `${what}-${createHash('sha256').update(JSON.stringify(made)).digest('hex').slice(0, 10)}`);

/** Samples, training and export of a variant. */
function makeNowcaster({ name, dataset, train }: Variant): { nowcaster: string; samples: string } {
  const stores = Object.values(search.recordings);
  const samples = placeOf('samples', dataset, ...stores);
  if (!existsSync(join(samples, 'dataset.json'))) wnn('dataset', ...stores, '--out', samples, ...wordsOf(dataset));
  const training = placeOf('training', samples, train);
  wnn('train', samples, '--out', training, ...wordsOf(train));
  const nowcaster = placeOf(`nowcaster-${name}`, training);
  wnn('export', '--from', training, '--to', nowcaster, '--tag', name);
  return { nowcaster, samples };
}

/** A row of the table. */
interface Row {
  variant: string;
  nowcast: string;
  agreements: Partial<Record<string, Agreement>>;
  /** Of each tuning task; absent for variants that the filter dropped. */
  speedups: (number | null)[];
  ratios: (number | null)[];
}

const meanCosine = (agreements: Row['agreements']) => {
  const cosines = Object.values(agreements).map((agreement) => agreement!.cosine);
  return cosines.reduce((sum, cosine) => sum + cosine, 0) / cosines.length;
};
const median = (values: readonly number[]) => {
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[Math.floor((sorted.length - 1) / 2)] + sorted[Math.ceil((sorted.length - 1) / 2)]) / 2;
};
/** A target that is not reached takes for ever. */
const scoreOf = ({ ratios }: Row) => (ratios.length > 0 ? median(ratios.map((ratio) => ratio ?? Infinity)) : Infinity);

function formatTable(rows: readonly Row[]): string {
  const tasks = search.tuning.map(({ task }) => task);
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const describe = (agreement: Agreement | undefined) =>
    agreement
      ? `${agreement.cosine.toFixed(2)} (${agreement.progress.toFixed(2)}, ${agreement.noise.toFixed(2)})`
      : '-';
  const header = ['variant', 'nowcast', 'conv', 'fc', 'bias', ...tasks, 'median'];
  const cells = rows.map((row) => [
    row.variant,
    row.nowcast.replaceAll('&', ', ') || 'as exported',
    ...['conv', 'fc', 'bias'].map((kind) => describe(row.agreements[kind])),
    ...tasks.map((_, i) => {
      const [ratio, speedup] = [row.ratios[i], row.speedups[i]];
      if (ratio === undefined) return 'not trained';
      return `${ratio === null ? 'never' : ratio.toFixed(2)} (x${speedup?.toFixed(2) ?? '-'})`;
    }),
    Number.isFinite(scoreOf(row)) ? scoreOf(row).toFixed(2) : '-',
  ]);
  return [line(header), line(header.map(() => '---')), ...cells.map(line), ''].join('\n');
}

for (const [plan, store] of Object.entries(search.recordings)) wnn('collect', '--plan', plan, '--store', store);

const rows: Row[] = [];
const nowcasters = new Map<string, string>();
for (const variant of search.variants) {
  const { nowcaster, samples } = makeNowcaster(variant);
  nowcasters.set(variant.name, nowcaster);
  const agreements = await measureAgreement(nowcaster, samples);
  process.stderr.write(`${variant.name}: mean cosine ${meanCosine(agreements).toFixed(3)}\n`);
  for (const nowcast of variant.nowcast)
    rows.push({ variant: variant.name, nowcast, agreements, speedups: [], ratios: [] });
}
const ranked = [...nowcasters.keys()].sort((a, b) => {
  const cosineOf = (name: string) => meanCosine(rows.find(({ variant }) => variant === name)!.agreements);
  return cosineOf(b) - cosineOf(a);
});
const trained = rows.filter(({ variant }) => ranked.slice(0, search.keep).includes(variant));
for (const compared of search.compared)
  trained.push({ variant: compared, nowcast: '', agreements: {}, speedups: [], ratios: [] });

/** The method of a row: one of a variant, counted from 1 where there are several. */
function methodOf(row: Row): string {
  const { variant, nowcast } = row;
  const directory = nowcasters.get(variant);
  if (directory === undefined) return variant;
  const siblings = rows.filter((other) => other.variant === variant);
  const name = siblings.length > 1 ? `${variant}-${siblings.indexOf(row) + 1}` : variant;
  return `nowcaster:${directory}?${[nowcast, `name=${name}`].filter(Boolean).join('&')}`;
}

for (const { task, seeds, evaluate } of search.tuning) {
  const out = placeOf(`evaluation-${task.replaceAll(/\W+/g, '-')}`, task, evaluate, seeds.join());
  const methods = trained.flatMap((row) => ['--method', methodOf(row)]);
  wnn('evaluate', '--task', task, '--seed', seeds.join(), '--out', out, ...wordsOf(evaluate), ...methods);
  const { tasks } = readContent('results', join(out, RESULTS_NAME));
  for (const [i, row] of trained.entries()) {
    const summary = tasks[0].methods[i + 1];
    const { value } = summary.targets[0].epochsRatio;
    row.ratios.push(typeof value === 'number' ? value : null);
    row.speedups.push(summary.newBests.speedup.mean);
  }
}

const all = [...trained, ...rows.filter((row) => !trained.includes(row))].sort((a, b) => scoreOf(a) - scoreOf(b));
const table = formatTable(all);
writeFileAtomic(join(OUT, 'table.md'), table);
process.stdout.write(table);
