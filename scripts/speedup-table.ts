// The tables of bench/README.md on the watch, from the runs of an evaluation: how much sooner each method reaches the training
// losses that plain training newly reaches.
//
//   npx tsx scripts/speedup-table.ts bench/results/watch/resnet-8 10        from epoch 11 on

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunRecord } from '../src/evaluate/index.js';

const [directory, after] = [process.argv[2], Number(process.argv[3])];
if (directory === undefined || !(after >= 1)) throw new Error('usage: speedup-table.ts RUNS AFTER');
const records = readdirSync(directory).map(
  (name) => JSON.parse(readFileSync(join(directory, name), 'utf8')) as RunRecord,
);
const lossesOf = ({ metrics }: RunRecord) => metrics.loss as number[];
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Plain's epochs over the method's, averaged over plain's new lows; one that is not reached counts as an epoch after the end. */
function speedup(plain: readonly number[], own: readonly number[]): number {
  const ratios: number[] = [];
  let lowest = Math.min(...plain.slice(0, after));
  for (let epoch = after; epoch < plain.length; epoch++) {
    if (plain[epoch] >= lowest) continue;
    lowest = plain[epoch];
    const reached = own.findIndex((loss) => loss <= plain[epoch]);
    ratios.push((epoch + 1) / ((reached < 0 ? own.length : reached) + 1));
  }
  return mean(ratios);
}

const plain = new Map(records.filter(({ method }) => method.name === 'plain').map((record) => [record.seed, record]));
const names = [...new Set(records.map(({ method }) => method.name))];
console.log(
  '| method | speed-up in training loss | seed by seed | last training loss | nowcasts: kept, late, taken back |',
);
console.log('| --- | --: | --- | --: | --- |');
for (const name of names) {
  const own = records.filter(({ method, seed }) => method.name === name && plain.has(seed));
  own.sort((a, b) => a.seed - b.seed);
  const speedups = own.map((record) => speedup(lossesOf(plain.get(record.seed)!), lossesOf(record)));
  const nowcasts = own.flatMap((record) => record.nowcasts);
  const late = nowcasts.filter(({ probation }) => probation?.verdict === 'late').length;
  const back = nowcasts.filter(({ outcome }) => outcome === 'reverted').length;
  const kept = nowcasts.filter(({ outcome }) => outcome === 'kept').length - late;
  const cells = [
    name,
    `x${mean(speedups).toFixed(2)}`,
    speedups.map((value) => value.toFixed(2)).join(', '),
    mean(own.map((record) => lossesOf(record).at(-1)!)).toFixed(3),
    nowcasts.length > 0 ? [kept, late, back].join(', ') : '-',
  ];
  console.log(`| ${cells.join(' | ')} |`);
}
