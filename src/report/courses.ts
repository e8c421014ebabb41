// Charts of how trainings went: a metric against epochs and against seconds, and how soon the target was reached.

import * as Plot from '@observablehq/plot';
import type { RunRecord, TaskSummary } from '../evaluation/schema.js';
import { type Chart, drawChart, epochTicks, methodColor } from './draw.js';

/** A method's runs, averaged over the seeds at one epoch. */
interface CoursePoint {
  /** From 1. */
  epoch: number;
  seconds: number;
  mean: number;
  low: number;
  high: number;
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** The course of a metric over the seeds of one method: mean, least and greatest of the seeds that have a value. */
export function averageCourse(runs: readonly RunRecord[], metric: string): CoursePoint[] {
  const points: CoursePoint[] = [];
  const epochs = Math.max(0, ...runs.map(({ metrics }) => metrics[metric]?.length ?? 0));
  for (let i = 0; i < epochs; i++) {
    const present = runs.filter(({ metrics }) => metrics[metric]?.[i] != null);
    if (present.length === 0) continue;
    const values = present.map(({ metrics }) => metrics[metric][i] as number);
    points.push({
      epoch: i + 1,
      seconds: mean(present.map(({ seconds }) => seconds[i])),
      mean: mean(values),
      low: Math.min(...values),
      high: Math.max(...values),
    });
  }
  return points;
}

/** What the metrics are called. */
const METRIC_LABELS: Record<string, string> = {
  val_acc: 'validation accuracy',
  val_loss: 'validation loss',
  acc: 'training accuracy',
  loss: 'training loss',
};

/** How far above plain's highest loss a chart reaches at most: a runaway forecast would flatten all others. */
const LOSS_REACH = 1.25;

/** The highest loss to draw, where something lies above it; else null. */
function lossLimit(
  courses: readonly { name: string; course: readonly CoursePoint[] }[],
  baseline: string,
): number | null {
  const highest = (points: readonly CoursePoint[]) => Math.max(...points.map(({ high }) => high));
  const plain = courses.find(({ name }) => name === baseline);
  const limit = LOSS_REACH * (plain ? highest(plain.course) : Number.POSITIVE_INFINITY);
  return courses.some(({ course }) => highest(course) > limit) ? limit : null;
}

function drawCourse(
  { methods }: TaskSummary,
  runs: readonly RunRecord[],
  metric: string,
  along: 'epoch' | 'seconds',
): Chart | null {
  const label = METRIC_LABELS[metric] ?? metric;
  const courses = methods
    .map(({ name }, m) => {
      const own = runs.filter(({ method }) => method.name === name);
      return { name, own, stroke: methodColor(m), course: averageCourse(own, metric) };
    })
    .filter(({ course }) => course.length > 0);
  if (courses.length === 0) return null;
  const limit = metric.endsWith('loss') ? lossLimit(courses, methods[0].name) : null;
  const clip = limit !== null;
  const marks: Plot.Markish[] = [];
  for (const { name, own, stroke, course } of courses) {
    const jumps = new Set(
      own.flatMap(({ nowcasts }) =>
        nowcasts
          .filter(({ outcome }) => outcome === 'kept')
          .flatMap(({ epoch }) => (epoch === null ? [] : [epoch + 1])),
      ),
    );
    marks.push(
      Plot.areaY(course, { x: along, y1: 'low', y2: 'high', fill: stroke, fillOpacity: 0.15, clip }),
      Plot.lineY(course, { x: along, y: 'mean', stroke, strokeWidth: 1.75, clip }),
      Plot.dot(
        course.filter(({ epoch, mean }) => jumps.has(epoch) && mean <= (limit ?? mean)),
        { x: along, y: 'mean', fill: stroke, r: 3, title: () => `${name}: nowcast` },
      ),
    );
  }
  const epochs = courses.flatMap(({ course }) => course.map(({ epoch }) => epoch));
  return drawChart(
    `${label} against ${along === 'epoch' ? 'epochs' : 'seconds'}`,
    `Mean over the seeds; the band spans them all. A dot marks the end of an epoch at which a nowcast followed.${
      clip ? ' What is far above plain is cut off.' : ''
    }`,
    {
      x: along === 'epoch' ? { label: 'epoch', ticks: epochTicks(epochs), tickFormat: 'd' } : { label: 'seconds' },
      y: { label, grid: true, nice: true, domain: clip ? [0, limit] : undefined },
      marks,
    },
  );
}

/** Bars of the epochs that each method took to plain's best, with a dot a seed. */
function drawEpochsToBest({ methods, seeds }: TaskSummary): Chart | null {
  const reached = methods.filter(({ toPlainBest }) => toPlainBest.epochs.mean !== null);
  if (reached.length === 0) return null;
  const bars = methods.map(({ name, toPlainBest }, m) => ({
    name,
    color: methodColor(m),
    epochs: toPlainBest.epochs.mean ?? 0,
    latest: Math.max(0, ...toPlainBest.epochs.values.map((value) => value ?? 0)),
    note:
      toPlainBest.reached === 0
        ? 'not reached'
        : toPlainBest.reached < seeds.length
          ? `${toPlainBest.reached} of ${seeds.length} seeds`
          : '',
  }));
  const dots = methods.flatMap(({ name, toPlainBest }) =>
    toPlainBest.epochs.values.flatMap((epochs) => (epochs === null ? [] : [{ name, epochs }])),
  );
  return drawChart(
    'epochs to plain’s best validation accuracy',
    'Fewer is better. The bar is the mean of the seeds that reached it, a dot is one seed.',
    {
      height: 60 + 28 * methods.length,
      marginLeft: 120,
      marginRight: 80,
      x: { label: 'epochs', grid: true },
      y: { label: null, domain: methods.map(({ name }) => name) },
      marks: [
        Plot.barX(bars, { x: 'epochs', y: 'name', fill: (d: (typeof bars)[number]) => d.color, fillOpacity: 0.6 }),
        Plot.dot(dots, { x: 'epochs', y: 'name', stroke: 'currentColor', r: 3 }),
        Plot.text(bars, { x: 'latest', y: 'name', text: 'note', textAnchor: 'start', dx: 8, fill: 'currentColor' }),
        Plot.ruleX([0]),
      ],
      color: { type: 'identity' },
    },
  );
}

/** The charts of one task's trainings. */
export function drawCourses(summary: TaskSummary, runs: readonly RunRecord[]): Chart[] {
  const own = runs.filter(({ task }) => task === summary.task);
  const charts = [
    drawCourse(summary, own, summary.metric.name, 'epoch'),
    drawCourse(summary, own, summary.metric.name, 'seconds'),
    drawCourse(summary, own, 'val_loss', 'epoch'),
    drawCourse(summary, own, 'val_loss', 'seconds'),
    drawCourse(summary, own, 'loss', 'epoch'),
    drawEpochsToBest(summary),
  ];
  return charts.filter((chart) => chart !== null);
}
