// Charts of how trainings went: a metric of each method against epochs or seconds, the mean over the seeds in front of the
// seeds one by one.

import * as Plot from '@observablehq/plot';
import type { RunRecord } from '../evaluation/schema.js';
import type { Metric } from '../tasks/metric.js';
import { averageCurve, type CurvePoint } from './averageCurve.js';
import { type Chart, type ChartTable, drawChart, epochTicks, markOf } from './chart.js';
import { chooseExtent, type Extent } from './extent.js';
import { formatSpan, formatValue, timeUnit } from './format.js';
import { colorOf, type Series } from './series.js';

/** A value that the chart has a line for. */
export interface CurveLevel {
  value: number;
  text: string;
}

/** More nowcasts of a method than these are not marked one by one. */
const MARKED_NOWCASTS = 25;

interface Curve {
  series: Series;
  runs: RunRecord[];
  points: CurvePoint[];
}

/** Round values on a logarithmic scale: 1, 2 and 5 of each power of ten, or the powers alone. */
function logTicks(low: number, high: number): number[] {
  const powers = Array.from({ length: 40 }, (_, i) => 10 ** (i - 20));
  const fine = powers.flatMap((power) => [power, 2 * power, 5 * power]).filter((tick) => tick >= low && tick <= high);
  return fine.length <= 8 ? fine : powers.filter((tick) => tick >= low && tick <= high);
}

/** Values of one run, epoch by epoch, as far as there are any. */
function seedPoints({ metrics, seconds }: RunRecord, metric: string) {
  return (metrics[metric] ?? []).flatMap((value, i) =>
    value === null ? [] : [{ epoch: i + 1, seconds: seconds[i], value }],
  );
}

/** Epochs (from 1) after which a nowcast of one of the runs replaced the weights, to stay or to be taken back. */
function nowcastEpochs(runs: readonly RunRecord[], outcome: 'kept' | 'reverted'): Set<number> {
  const made = runs.flatMap(({ nowcasts }) => nowcasts.filter((nowcast) => nowcast.outcome === outcome));
  return new Set(made.flatMap(({ epoch }) => (epoch === null ? [] : [epoch + 1])));
}

function tableOf(
  curves: readonly Curve[],
  along: 'epoch' | 'seconds',
  unit: { name: string; seconds: number },
): ChartTable {
  const epochs = [...new Set(curves.flatMap(({ points }) => points.map(({ epoch }) => epoch)))].sort((a, b) => a - b);
  const cellOf = (point: CurvePoint | undefined) => {
    if (!point) return '';
    const { mean, low, high, seconds } = point;
    const at = along === 'epoch' ? '' : ` at ${formatValue(seconds / unit.seconds)} ${unit.name}`;
    return `${formatValue(mean)}${low === high ? '' : ` (${formatSpan(low, high)})`}${at}`;
  };
  return {
    header: [{ text: 'epoch' }, ...curves.map(({ series }) => ({ text: series.name, series }))],
    rows: epochs.map((epoch) => ({
      cells: [String(epoch), ...curves.map(({ points }) => cellOf(points.find((point) => point.epoch === epoch)))],
    })),
  };
}

function captionOf(curves: readonly Curve[], { cut, low, high, log }: Extent): string {
  const sentences: string[] = [];
  if (curves.some(({ runs }) => runs.length > 1)) sentences.push('Thick: mean over the seeds; thin: each seed.');
  const most = (outcome: 'kept' | 'reverted') =>
    Math.max(...curves.map(({ runs }) => nowcastEpochs(runs, outcome).size));
  const [kept, reverted] = [most('kept'), most('reverted')];
  if (Math.max(kept, reverted) > MARKED_NOWCASTS) sentences.push('Nowcasts are too many to be marked.');
  else {
    if (kept > 0) sentences.push('A dot: the end of an epoch after which a nowcast followed.');
    if (reverted > 0) sentences.push('A ring: the same, of a nowcast that was taken back.');
  }
  if (log) sentences.push('Logarithmic scale.');
  if (cut) {
    const [edge, mark] = cut === 'above' ? [high, '▲'] : [low, '▼'];
    sentences.push(`Values ${cut} ${formatValue(edge)} are cut off, marked ${mark}.`);
  }
  return sentences.join(' ');
}

function marksOf(
  { series, runs, points }: Curve,
  metric: string,
  along: 'epoch' | 'seconds',
  unit: number,
  extent: Extent,
) {
  const { low, high, cut } = extent;
  const [stroke, clip] = [colorOf(series), cut !== null];
  const x = (point: { epoch: number; seconds: number }) => (along === 'epoch' ? point.epoch : point.seconds / unit);
  const inside = ({ mean }: CurvePoint) => mean >= low && mean <= high;
  const beyond = points.filter((point) => (cut === 'above' ? point.high > high : point.low < low));
  const marked = (outcome: 'kept' | 'reverted') => {
    const epochs = nowcastEpochs(runs, outcome);
    return epochs.size > MARKED_NOWCASTS ? [] : points.filter((point) => epochs.has(point.epoch) && inside(point));
  };
  const single = points.length === 1;
  const own = markOf(series);
  const seeds = runs.length < 2 ? [] : runs.map((run) => seedPoints(run, metric));
  return [
    ...seeds.map((seed) =>
      seed.length === 1
        ? Plot.dot(seed, { x, y: 'value', stroke, strokeOpacity: 0.5, r: 2.5, ...own })
        : Plot.lineY(seed, { x, y: 'value', stroke, strokeWidth: 0.75, strokeOpacity: 0.4, clip, ...own }),
    ),
    single ? null : Plot.lineY(points, { x, y: 'mean', stroke, strokeWidth: 1.75, clip, ...own }),
    single ? Plot.dot(points.filter(inside), { x, y: 'mean', fill: stroke, r: 3.5, ...own }) : null,
    single ? null : Plot.dot(marked('reverted'), { x, y: 'mean', fill: 'var(--back)', stroke, r: 2.5, ...own }),
    single ? null : Plot.dot(marked('kept'), { x, y: 'mean', fill: stroke, r: 2.25, ...own }),
    cut === null
      ? null
      : Plot.dot(beyond, {
          x,
          y: cut === 'above' ? high : low,
          symbol: 'triangle',
          rotate: cut === 'above' ? 0 : 180,
          r: 3,
          fill: stroke,
          ...own,
        }),
  ];
}

/**
 * Draws a metric of all methods; null where none has a value.
 *
 * @param runs of one task.
 * @param level a value to draw a line at.
 */
export function drawCurves(
  methods: readonly Series[],
  runs: readonly RunRecord[],
  metric: Metric,
  along: 'epoch' | 'seconds',
  level?: CurveLevel,
): Chart | null {
  const curves = methods.flatMap((series): Curve[] => {
    const own = runs.filter(({ method }) => method.name === series.name);
    const points = averageCurve(own, metric.name);
    return points.length > 0 ? [{ series, runs: own, points }] : [];
  });
  if (curves.length === 0) return null;
  const extent = chooseExtent(
    curves.map(({ points }) => points.flatMap((point) => [point.low, point.mean, point.high])),
    metric.better,
  );
  const { low, high, log, cut } = extent;
  const longest = Math.max(...curves.flatMap(({ runs: own }) => own.map(({ seconds }) => seconds.at(-1) ?? 0)));
  const unit = timeUnit(longest);
  const table = tableOf(curves, along, unit);
  const xOf = ({ epoch, seconds }: CurvePoint) => (along === 'epoch' ? epoch : seconds / unit.seconds);
  const rowOf = new Map(table.rows.map(({ cells }, row) => [cells[0], row]));
  const values = curves.flatMap(({ series, points }) =>
    points.map((point) => ({ series, point, x: xOf(point), y: Math.min(high, Math.max(low, point.mean)) })),
  );
  const single = curves.filter(({ points }) => points.length === 1).map(({ series }) => series);
  const levels = level && level.value >= low && level.value <= high ? [level] : [];
  return drawChart({
    title: `${metric.label} against ${along === 'epoch' ? 'epochs' : unit.name}`,
    caption: captionOf(curves, extent),
    series: curves.map(({ series }) => series),
    table,
    points: values.map(({ series, point, x, y }) => ({ series, row: rowOf.get(String(point.epoch))!, x, y })),
    reading: 'x',
    labels: [
      ...values
        .filter(({ series }) => single.includes(series))
        .map(({ series, point, x, y }) => ({ series, x, y, text: `${series.name} ${formatValue(point.mean)}` })),
    ],
    options: {
      x:
        along === 'epoch'
          ? { label: 'epoch', ticks: epochTicks(values.map(({ x }) => x)), tickFormat: 'd' }
          : { label: unit.name, ticks: 6, domain: [0, longest / unit.seconds] },
      y: {
        label: log ? `${metric.label} (log)` : metric.label,
        grid: true,
        type: log ? 'log' : 'linear',
        tickFormat: log ? formatValue : undefined,
        ticks: log ? logTicks(low, high) : 5,
        ...(low === high ? {} : { domain: [low, high], nice: cut === null && !log }),
      },
      marks: [
        Plot.ruleY(levels, { y: 'value', stroke: 'var(--text)', strokeDasharray: '2 3' }),
        // At the left, where trainings are still far from it.
        Plot.text(levels, {
          y: 'value',
          text: 'text',
          frameAnchor: 'left',
          textAnchor: 'start',
          dx: 4,
          dy: -8,
          className: 'label',
        }),
        ...curves.flatMap((curve) => marksOf(curve, metric.name, along, unit.seconds, extent)),
      ],
    },
  });
}
