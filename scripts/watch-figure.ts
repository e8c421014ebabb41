// Draws docs/watch.svg: a training whose nowcasts pay, and one whose nowcast is taken back. The data are recorded runs.
//
//   npx tsx scripts/watch-figure.ts

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import type { RunRecord } from '../src/evaluate/index.js';

const ROOT = new URL('..', import.meta.url);
const WIDTH = 420;
const HEIGHT = 300;
const { document } = parseHTML('<!doctype html><html><body></body></html>');

interface Point {
  epoch: number;
  loss: number;
}

const read = (name: string) =>
  JSON.parse(readFileSync(new URL(`bench/results/watch/${name}.json`, ROOT), 'utf8')) as RunRecord;
const trendOf = ({ metrics }: RunRecord, from: number): Point[] =>
  metrics.loss.map((loss, i) => ({ epoch: i + 1, loss: loss as number })).slice(from - 1);

interface Panel {
  title: string;
  plain: Point[];
  nowcast: Point[];
  /** The points after which nowcasts happened. */
  jumps: Point[];
  yTicks: number[];
  /** Levels that the trend before a nowcast led one to expect, and that the watch allowed. */
  levels: { epoch: number; expected: number; allowed: number }[];
  notes: { epoch: number; loss: number; text: string }[];
}

const ticksOf = (epochs: number) => Array.from({ length: Math.floor(epochs / 5) }, (_, i) => 5 * (i + 1));

function draw({ title, plain, nowcast, jumps, yTicks, levels, notes }: Panel, left: number): string {
  const figure = Plot.plot({
    document: document as unknown as Document,
    width: WIDTH,
    height: HEIGHT,
    marginTop: 34,
    marginLeft: 48,
    x: { label: 'epoch', ticks: ticksOf(nowcast[nowcast.length - 1].epoch), tickFormat: 'd' },
    y: { type: 'log', label: null, ticks: yTicks, tickFormat: '.2~f' },
    marks: [
      Plot.line(plain, { x: 'epoch', y: 'loss', className: 'plain' }),
      Plot.line(nowcast, { x: 'epoch', y: 'loss', className: 'ours' }),
      Plot.ruleX(levels, { x: 'epoch', y1: 'expected', y2: 'allowed', className: 'allowed' }),
      Plot.tickY(levels, { x: 'epoch', y: 'allowed', inset: 0, className: 'allowed' }),
      Plot.dot(jumps, { x: 'epoch', y: 'loss', r: 4, className: 'jump' }),
      Plot.text(notes, { x: 'epoch', y: 'loss', text: 'text', textAnchor: 'start', dx: 8 }),
    ],
  });
  figure.setAttribute('x', String(left));
  figure.setAttribute('aria-label', title);
  const heading = document.createElementNS('http://www.w3.org/2000/svg', 'text');
  heading.setAttribute('x', '48');
  heading.setAttribute('y', '14');
  heading.setAttribute('text-anchor', 'start');
  heading.setAttribute('class', 'heading');
  heading.textContent = title;
  figure.append(heading as unknown as Node);
  return figure.outerHTML;
}

const task = 'resnet-8/cifar10-resnet-8-width-0.5';
const kept = read(`${task}_watched_s301`);
const trend = trendOf(kept, 1);
const pays: Panel = {
  title: 'Training loss of a ResNet-8: nowcasts that pay',
  yTicks: [0.7, 1, 1.5],
  plain: trendOf(read(`${task}_plain_s301`), 4),
  nowcast: trend.slice(3),
  jumps: kept.nowcasts.map(({ epoch }) => trend[epoch as number]),
  levels: [],
  notes: [
    { epoch: 18, loss: 1.2, text: 'plain' },
    { epoch: 5, loss: 0.78, text: 'nowcasts, all of them kept' },
  ],
};
const taken = read('simplenet/mnist-simplenet_linear_s101');
const before = trendOf(taken, 1);
const [{ epoch: last, probation }] = taken.nowcasts;
const epoch = last as number;
const harms: Panel = {
  title: 'Training loss of a CNN: a nowcast taken back',
  yTicks: [0.1, 0.2, 0.5, 1, 2, 4],
  plain: trendOf(read('simplenet/mnist-simplenet_plain_s101'), 1),
  nowcast: before,
  jumps: [before[epoch]],
  levels: [{ epoch: epoch + 2, expected: probation!.expected as number, allowed: probation!.allowed as number }],
  notes: [
    { epoch: epoch + 2, loss: before[epoch + 1].loss, text: 'far above its trend' },
    { epoch: epoch + 3, loss: 0.3, text: 'back to where it was' },
    { epoch: 0.6, loss: 0.13, text: 'its trend, and what is allowed' },
  ],
};

const style = `
  text { font: 12px system-ui, sans-serif; fill: currentColor; }
  .heading { font-weight: 600; font-size: 13px; }
  svg { color: #1f2328; }
  .plain path { stroke: #767676; stroke-width: 1.5; fill: none; }
  [aria-label='text'] { stroke: none; }
  .ours path { stroke: #0b6bcb; stroke-width: 2; fill: none; }
  .jump circle { fill: #0b6bcb; stroke: none; }
  .allowed line { stroke: #b35900; stroke-width: 2; }
  @media (prefers-color-scheme: dark) {
    svg { color: #e6edf3; }
    .plain path { stroke: #9a9a9a; }
    .ours path { stroke: #6cb0f5; }
    .jump circle { fill: #6cb0f5; }
    .allowed line { stroke: #e59a4c; }
  }`;
const panels = [pays, harms].map((panel, i) => draw(panel, i * (WIDTH + 20)));
const width = 2 * WIDTH + 20;
const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${HEIGHT}" width="${width}" height="${HEIGHT}" role="img" aria-label="Training losses with nowcasts that are kept, and one that is taken back"><style>${style}</style>${panels.join('')}</svg>\n`;
writeFileSync(fileURLToPath(new URL('docs/watch.svg', ROOT)), svg.replaceAll(/<style>:where[\s\S]*?<\/style>/g, ''));
