// The chart that counts: how long each method takes to the target as a multiple of plain training, task by task, with its
// interval. Left of the line at 1 a method is faster.

import * as Plot from '@observablehq/plot';
import { formatInterval, formatRatio, formatTime } from '../evaluation/format.js';
import type { EvaluationResults, Time, TimeRatio } from '../evaluation/schema.js';
import { type Chart, drawChart, markOf } from './chart.js';
import { type Label, marginFor, shorten } from './labels.js';
import { colorOf, type Series } from './series.js';

/** Ratios beyond are drawn at these ends, whatever the results. */
const FARTHEST = [0.1, 10] as const;
/** Height of a row and of the gap between tasks. */
const ROW = 19;
const GAP = 34;

interface Row {
  series: Series;
  /** Task, or all of them. */
  group: string;
  ratio: TimeRatio;
  /** Seeds or tasks with which it gets to the target. */
  reached: number;
  /** Cells of the table behind `ratio` and its interval. */
  rest: string[];
}

/** Rows of all tasks together, where there are several, and of each. */
function rowsOf({ tasks, overall }: EvaluationResults, methods: readonly Series[], unit: 'epochs' | 'seconds'): Row[] {
  const others = methods.slice(1);
  const [first] = overall;
  const all = others.flatMap((series): Row[] => {
    const score = first.methods.find(({ name }) => name === series.name);
    if (!score || tasks.length < 2) return [];
    const count = score.reached.length + score.missed.length;
    const rest = [`${score.reached.length} of ${count} tasks`, '', ''];
    return [{ series, group: 'all tasks', ratio: score[unit], reached: score.reached.length, rest }];
  });
  return [
    ...all,
    ...tasks.flatMap(({ task, methods: summaries, seeds }) =>
      others.flatMap((series): Row[] => {
        const own = summaries.find(({ name }) => name === series.name)?.targets[0];
        if (!own || own.trained === 0) return [];
        const digits = unit === 'epochs' ? 0 : 1;
        const times = seeds.map((_, i) => formatTime(own[unit].values[i], digits));
        const rest = [`${own.reached} of ${own.trained} seeds`, formatTime(own[unit].median, digits), times.join(', ')];
        return [
          {
            series,
            group: task,
            ratio: unit === 'epochs' ? own.epochsRatio : own.secondsRatio,
            reached: own.reached,
            rest,
          },
        ];
      }),
    ),
  ];
}

/** Ends of the scale: about a half to two, or as far as the ratios go. */
function domainOf(rows: readonly Row[]): [number, number] {
  const finite = rows
    .flatMap(({ ratio: { value, interval } }) => [value, ...(interval ?? [])])
    .filter((ratio): ratio is number => typeof ratio === 'number' && ratio > 0);
  const low = Math.max(FARTHEST[0], Math.min(0.6, ...finite) * 0.95);
  const high = Math.min(FARTHEST[1], Math.max(1.5, ...finite) * 1.05);
  return [low, high];
}

const isNever = (time: Time | undefined) => time === 'never';

/** What a ratio is called that has no place on the scale. */
function wordOf(ratio: Time): string | null {
  if (ratio === 0) return 'plain never reaches it';
  return typeof ratio === 'number' ? null : 'not reached';
}

/**
 * Draws the ratios of the first target; null when there is nothing but plain training.
 *
 * @param methods all of the evaluation, the baseline first.
 */
export function drawRatios(
  results: EvaluationResults,
  methods: readonly Series[],
  unit: 'epochs' | 'seconds',
): Chart | null {
  // Where nobody gets to the target there is no ratio, but something to show.
  const rows = rowsOf(results, methods, unit).filter(({ ratio, reached }) => ratio.value !== null || reached === 0);
  if (rows.length === 0) return null;
  const [low, high] = domainOf(rows);
  const missed = rows.some(({ ratio }) => ratio.value === null || isNever(ratio.value) || isNever(ratio.interval?.[1]));
  // What was never reached stands apart, right of all numbers.
  const edge = missed ? high * (high / low) ** 0.16 : high;
  const place = (time: Time) => (typeof time === 'number' ? Math.min(high, Math.max(low, time)) : edge);
  const groups = [...new Set(rows.map(({ group }) => group))];
  const names = methods.slice(1).map(({ name }) => name);
  const margin = marginFor(names.map((name) => shorten(name)));
  const marks = rows.map(({ series, group, ratio: { value, interval } }) => ({
    series,
    fy: group,
    y: series.name,
    x: place(value),
    reached: typeof value === 'number',
    from: interval ? place(interval[0]) : place(value),
    to: interval ? place(interval[1]) : place(value),
  }));
  const beyond = rows.some(({ ratio: { value, interval } }) =>
    [value, ...(interval ?? [])].some((time) => typeof time === 'number' && time > 0 && (time < low || time > high)),
  );
  const labels = rows.flatMap(({ ratio: { value } }, row): Label[] => {
    const [{ series, fy, y, x }, text] = [marks[row], wordOf(value)];
    return text === null ? [] : [{ series, fy, x, y, text, before: value !== 0 }];
  });
  const word = unit === 'epochs' ? 'Epochs' : 'Seconds';
  return drawChart({
    title: `${word} to the target, as a multiple of plain’s`,
    caption: `Left of the line at 1: faster than plain training. Dots: medians over the seeds; bars: 95% bootstrap intervals.${
      groups[0] === 'all tasks' ? ' All tasks: geometric mean over those where the target is reached.' : ''
    }${missed ? ' A ring at the right edge: the target is not reached.' : ''}${
      beyond ? ` Beyond ${formatRatio(low)} to ${formatRatio(high)}, values stand at the ends.` : ''
    } Logarithmic scale.`,
    series: methods.slice(1),
    table: {
      header: [
        { text: '' },
        { text: 'task' },
        { text: `of plain’s ${unit}` },
        { text: '95% interval' },
        { text: 'reached' },
        { text: `median ${unit}` },
        { text: `${unit} by seed` },
      ],
      rows: rows.map(({ series, group, ratio, rest }) => ({
        series,
        cells: [
          series.name,
          group,
          wordOf(ratio.value) ?? formatRatio(ratio.value),
          ratio.interval === null ? '' : formatInterval(ratio),
          ...rest,
        ],
      })),
    },
    points: marks.map(({ series, fy, x, y }, row) => ({ row, series, fy, x, y })),
    reading: 'y',
    labels,
    options: {
      height: 62 + groups.length * (ROW * names.length + GAP) - GAP,
      marginTop: 24,
      marginBottom: 38,
      marginLeft: margin,
      marginRight: 14,
      x: {
        type: 'log',
        domain: [low, edge],
        label: `multiple of plain’s ${unit}`,
        labelAnchor: 'center',
        labelArrow: 'none',
        grid: true,
        ticks: ratioTicks(low, high),
        tickFormat: (ratio: number) => String(ratio),
      },
      y: { label: null, domain: names, tickFormat: (name: string) => shorten(name), tickSize: 0, padding: 0.2 },
      fy: { axis: null, domain: groups, paddingInner: GAP / (ROW * names.length + GAP), paddingOuter: 0 },
      marks: [
        Plot.ruleX([1], { stroke: 'var(--text)' }),
        missed ? Plot.ruleX([edge], { stroke: 'var(--none)', strokeDasharray: '2 3' }) : null,
        Plot.text(groups, {
          text: (group: string) => shorten(group, 44),
          fy: (group: string) => group,
          frameAnchor: 'top-left',
          dx: 6 - margin,
          dy: -15,
          fontWeight: 600,
        }),
        ...methods.slice(1).flatMap((series) => {
          const own = marks.filter((mark) => mark.series === series);
          const stroke = colorOf(series);
          const ring = { x: 'x', y: 'y', fy: 'fy', r: 4.5, stroke, strokeWidth: 1.75, ...markOf(series) };
          return [
            Plot.ruleY(own, {
              x1: 'from',
              x2: 'to',
              y: 'y',
              fy: 'fy',
              stroke,
              strokeWidth: 2.5,
              strokeOpacity: 0.5,
              ...markOf(series),
            }),
            Plot.dot(
              own.filter(({ reached }) => reached),
              { ...ring, fill: stroke },
            ),
            Plot.dot(
              own.filter(({ reached }) => !reached),
              { ...ring, fill: 'var(--back)' },
            ),
          ];
        }),
      ],
    },
  });
}

/** Round ratios within the scale. */
function ratioTicks(low: number, high: number): number[] {
  const fine = [0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.2, 1.5, 2];
  const coarse = [0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 10];
  return (high / low > 5 ? coarse : fine).filter((tick) => tick >= low && tick <= high);
}
