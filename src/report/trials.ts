// Charts of the tuning: what each method reached at each learning rate that was tried, and which one was chosen.

import * as Plot from '@observablehq/plot';
import { formatMetric, formatTime } from '../evaluation/format.js';
import type { MethodTuning, TaskSummary, Trial } from '../evaluation/schema.js';
import type { Metric } from '../tasks/metric.js';
import { type Chart, drawChart, markOf } from './chart.js';
import { chooseExtent, type Extent } from './extent.js';
import { formatValue } from './format.js';
import { colorOf, type Series } from './series.js';

interface Tried extends Trial {
  series: Series;
  edge: MethodTuning['edge'];
}

const wordsOf = ({ diverged, chosen, edge }: Tried) =>
  [diverged ? 'diverged' : '', chosen ? 'chosen' : '', chosen && edge !== null ? `${edge} tried` : '']
    .filter(Boolean)
    .join(', ');

const isScaled = (trials: readonly Tried[]) => trials.some(({ stepScale }) => stepScale !== null && stepScale !== 1);

/** The methods whose chosen rate is at an end of those tried. */
function edgeSentence(trials: readonly Tried[], edge: 'lowest' | 'highest'): string[] {
  const names = trials.filter((trial) => trial.chosen && trial.edge === edge).map(({ series }) => series.name);
  return names.length === 0
    ? []
    : [`The ${edge} rate tried is chosen for ${names.join(', ')}: a better one may lie beyond.`];
}

function captionOf(trials: readonly Tried[], { better }: Metric, { cut, low, high }: Omit<Extent, 'log'>): string {
  const sentences = [
    'A filled dot: the chosen rate.',
    ...edgeSentence(trials, 'lowest'),
    ...edgeSentence(trials, 'highest'),
  ];
  if (trials.some(({ bests }) => bests.length > 1)) sentences.unshift('Medians over the tuning seeds.');
  if (trials.some(({ diverged }) => diverged)) sentences.push('A cross: a training diverged.');
  if (isScaled(trials)) sentences.push('A line for each step scale.');
  if (cut !== null)
    sentences.push(`Values ${cut} ${formatMetric(better === 'higher' ? low : high)} stand at the edge.`);
  return sentences.join(' ');
}

/** Draws the trials of a task; null without tuning, or where no trial has a value. */
export function drawTrials({ tuning, metric }: TaskSummary, methods: readonly Series[]): Chart | null {
  const trials = (tuning ?? []).flatMap(({ name, trials: own, edge }): Tried[] => {
    const series = methods.find((method) => method.name === name);
    return series ? own.map((trial) => ({ ...trial, series, edge })) : [];
  });
  const measured = trials.filter((trial) => trial.best !== null);
  if (measured.length === 0) return null;
  const curves = methods.map((series) => measured.filter((trial) => trial.series === series).map(({ best }) => best!));
  const { low, high, cut } = chooseExtent(
    curves.filter(({ length }) => length > 0),
    metric.better,
  );
  const worst = metric.better === 'higher' ? low : high;
  const clamp = (value: number | null) => (value === null ? worst : Math.min(high, Math.max(low, value)));
  const marks = trials.map((trial) => ({ trial, series: trial.series, x: trial.learningRate, y: clamp(trial.best) }));
  const rates = [...new Set(trials.map(({ learningRate }) => learningRate))].sort((a, b) => a - b);
  const scaled = isScaled(trials);
  return drawChart({
    title: `Best validation ${metric.label} against learning rate`,
    caption: captionOf(trials, metric, { low, high, cut }),
    series: methods.filter((series) => trials.some((trial) => trial.series === series)),
    table: {
      header: [
        { text: '' },
        { text: 'learning rate' },
        ...(scaled ? [{ text: 'step scale' }] : []),
        { text: `best ${metric.label}` },
        { text: 'epochs to the tuning target' },
        { text: 'outcome' },
      ],
      rows: trials.map((trial) => ({
        series: trial.series,
        cells: [
          trial.series.name,
          formatValue(trial.learningRate),
          ...(scaled ? [`×${trial.stepScale ?? 1}`] : []),
          trial.best === null ? '-' : formatMetric(trial.best),
          formatTime(trial.medianEpochs),
          wordsOf(trial),
        ],
      })),
    },
    points: marks.map(({ series, x, y }, row) => ({ row, series, x, y })),
    reading: 'xy',
    options: {
      x: {
        type: 'log',
        label: 'learning rate (log)',
        ticks: rates.length > 6 ? rates.filter((_, i) => i % Math.ceil(rates.length / 6) === 0) : rates,
        tickFormat: formatValue,
        ...(rates.length === 1 ? {} : { domain: [rates[0], rates[rates.length - 1]] }),
        inset: 8,
      },
      y: {
        label: metric.label,
        grid: true,
        ticks: 5,
        ...(low === high ? {} : { domain: [low, high], nice: cut === null }),
      },
      marks: methods.flatMap((series) => {
        const own = marks.filter((mark) => mark.series === series);
        const stroke = colorOf(series);
        const dot = { x: 'x', y: 'y', stroke, strokeWidth: 1.5, ...markOf(series) };
        return [
          Plot.line(
            own.filter(({ trial }) => trial.best !== null),
            {
              x: 'x',
              y: 'y',
              z: ({ trial }: (typeof own)[number]) => trial.stepScale,
              stroke,
              strokeOpacity: 0.6,
              ...markOf(series),
            },
          ),
          Plot.dot(
            own.filter(({ trial }) => trial.diverged),
            { ...dot, symbol: 'times', r: 4 },
          ),
          Plot.dot(
            own.filter(({ trial }) => !trial.diverged && !trial.chosen),
            { ...dot, fill: 'var(--back)', r: 3 },
          ),
          Plot.dot(
            own.filter(({ trial }) => trial.chosen),
            { ...dot, fill: stroke, r: 5 },
          ),
        ];
      }),
    },
  });
}
