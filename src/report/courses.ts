// Charts of how trainings went: a metric of each method against epochs or seconds, the mean over the seeds in front of the
// seeds one by one.

import * as Plot from '@observablehq/plot';
import type { RunRecord } from '../evaluation/schema.js';
import type { Metric } from '../tasks/metric.js';
import { averageCourse, type CoursePoint } from './averageCourse.js';
import { type Chart, type ChartTable, drawChart, epochTicks, markOf } from './chart.js';
import { chooseExtent, type Extent } from './extent.js';
import { formatSpan, formatValue, timeUnit } from './format.js';
import { colorOf, type Series } from './series.js';

/** A value that the chart has a line for. */
export interface CourseLevel {
  value: number;
  text: string;
}

/** More nowcasts of a method than these are not marked one by one. */
const MARKED_NOWCASTS = 25;

interface Course {
  series: Series;
  runs: RunRecord[];
  points: CoursePoint[];
}

/** Values of one run, epoch by epoch, as far as there are any. */
function seedPoints({ metrics, seconds }: RunRecord, metric: string) {
  return (metrics[metric] ?? []).flatMap((value, i) =>
    value === null ? [] : [{ epoch: i + 1, seconds: seconds[i], value }],
  );
}

/** Epochs (from 1) after which a nowcast of one of the runs replaced the weights. */
function nowcastEpochs(runs: readonly RunRecord[]): Set<number> {
  const kept = runs.flatMap(({ nowcasts }) => nowcasts.filter(({ outcome }) => outcome === 'kept'));
  return new Set(kept.flatMap(({ epoch }) => (epoch === null ? [] : [epoch + 1])));
}

function tableOf(
  courses: readonly Course[],
  along: 'epoch' | 'seconds',
  unit: { name: string; seconds: number },
): ChartTable {
  const epochs = [...new Set(courses.flatMap(({ points }) => points.map(({ epoch }) => epoch)))].sort((a, b) => a - b);
  const cellOf = (point: CoursePoint | undefined) => {
    if (!point) return '';
    const { mean, low, high, seconds } = point;
    const at = along === 'epoch' ? '' : ` at ${formatValue(seconds / unit.seconds)} ${unit.name}`;
    return `${formatValue(mean)}${low === high ? '' : ` (${formatSpan(low, high)})`}${at}`;
  };
  return {
    header: [{ text: 'epoch' }, ...courses.map(({ series }) => ({ text: series.name, series }))],
    rows: epochs.map((epoch) => ({
      cells: [String(epoch), ...courses.map(({ points }) => cellOf(points.find((point) => point.epoch === epoch)))],
    })),
  };
}

function captionOf(courses: readonly Course[], { cut, low, high, log }: Extent): string {
  const sentences: string[] = [];
  if (courses.some(({ runs }) => runs.length > 1)) sentences.push('Thick: mean over the seeds; thin: each seed.');
  const nowcasts = Math.max(...courses.map(({ runs }) => nowcastEpochs(runs).size));
  if (nowcasts > MARKED_NOWCASTS) sentences.push('Nowcasts are too many to be marked.');
  else if (nowcasts > 0) sentences.push('A dot: the end of an epoch after which a nowcast followed.');
  if (log) sentences.push('Logarithmic scale.');
  if (cut) {
    const [edge, mark] = cut === 'above' ? [high, '▲'] : [low, '▼'];
    sentences.push(`Values ${cut} ${formatValue(edge)} are cut off, marked ${mark}.`);
  }
  return sentences.join(' ');
}

function marksOf(
  { series, runs, points }: Course,
  metric: string,
  along: 'epoch' | 'seconds',
  unit: number,
  extent: Extent,
) {
  const { low, high, cut } = extent;
  const [stroke, clip] = [colorOf(series), cut !== null];
  const x = (point: { epoch: number; seconds: number }) => (along === 'epoch' ? point.epoch : point.seconds / unit);
  const inside = ({ mean }: CoursePoint) => mean >= low && mean <= high;
  const beyond = points.filter((point) => (cut === 'above' ? point.high > high : point.low < low));
  const nowcasts = nowcastEpochs(runs);
  const jumps = nowcasts.size > MARKED_NOWCASTS ? new Set() : nowcasts;
  const jumped = points.filter((point) => jumps.has(point.epoch) && inside(point));
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
    Plot.dot(single ? points.filter(inside) : jumped, {
      x,
      y: 'mean',
      fill: stroke,
      r: single ? 3.5 : 2.25,
      ...own,
    }),
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
export function drawCourses(
  methods: readonly Series[],
  runs: readonly RunRecord[],
  metric: Metric,
  along: 'epoch' | 'seconds',
  level?: CourseLevel,
): Chart | null {
  const courses = methods.flatMap((series): Course[] => {
    const own = runs.filter(({ method }) => method.name === series.name);
    const points = averageCourse(own, metric.name);
    return points.length > 0 ? [{ series, runs: own, points }] : [];
  });
  if (courses.length === 0) return null;
  const extent = chooseExtent(
    courses.map(({ points }) => points.flatMap((point) => [point.low, point.mean, point.high])),
    metric.better,
  );
  const { low, high, log, cut } = extent;
  const unit = timeUnit(Math.max(...courses.map(({ points }) => points[points.length - 1].seconds)));
  const table = tableOf(courses, along, unit);
  const xOf = ({ epoch, seconds }: CoursePoint) => (along === 'epoch' ? epoch : seconds / unit.seconds);
  const rowOf = new Map(table.rows.map(({ cells }, row) => [cells[0], row]));
  const values = courses.flatMap(({ series, points }) =>
    points.map((point) => ({ series, point, x: xOf(point), y: Math.min(high, Math.max(low, point.mean)) })),
  );
  const single = courses.filter(({ points }) => points.length === 1).map(({ series }) => series);
  const levels = level && level.value >= low && level.value <= high ? [level] : [];
  const right = Math.max(...values.map(({ x }) => x));
  return drawChart({
    title: `${metric.label} against ${along === 'epoch' ? 'epochs' : unit.name}`,
    caption: captionOf(courses, extent),
    series: courses.map(({ series }) => series),
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
          : { label: unit.name, ticks: 6, domain: [0, right] },
      y: {
        label: log ? `${metric.label} (log)` : metric.label,
        grid: true,
        type: log ? 'log' : 'linear',
        tickFormat: log ? formatValue : undefined,
        ticks: 5,
        ...(low === high ? {} : { domain: [low, high], nice: cut === null }),
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
        ...courses.flatMap((course) => marksOf(course, metric.name, along, unit.seconds, extent)),
      ],
    },
  });
}
