// The sections of one task: what each method reached, how the trainings went, what tuning tried, and how good the forecasts
// were.

import { formatMetric } from '../evaluation/format.js';
import type { Target } from '../evaluation/schema.js';
import { statements } from '../evaluation/statements.js';
import { describeTask, scoreTable, secondaryTable, targetTable } from '../evaluation/table.js';
import type { Metric } from '../tasks/metric.js';
import type { Chart } from './chart.js';
import { renderMethods } from './comparison.js';
import { type CurveLevel, drawCurves } from './curves.js';
import { drawForecastErrors } from './forecastErrors.js';
import { html } from './html.js';
import type { Section } from './page.js';
import type { Evaluation } from './readEvaluation.js';
import { drawScatter } from './scatter.js';
import { type Series, seriesOf } from './series.js';
import { taskFacts } from './settings.js';
import { renderFacts, renderStatements } from './table.js';
import { drawTrials } from './trials.js';
import { drawWindows } from './windows.js';

type Task = Evaluation['results']['tasks'][number];

const present = (charts: readonly (Chart | null)[]) => charts.filter((chart) => chart !== null);

/** The target of a metric as a line in its chart. */
function levelOf(targets: readonly Target[], sort: Target['sort']): CurveLevel | undefined {
  const target = targets.find((entry) => entry.sort === sort);
  return target === undefined || target.value === null
    ? undefined
    : { value: target.value, text: `target ${formatMetric(target.value)}` };
}

/** Curves of the metric that is compared, and of the losses. */
function curveCharts({ task, metric, targets }: Task, runs: Evaluation['runs'], methods: readonly Series[]): Chart[] {
  const own = runs.filter((run) => run.task === task);
  const compared: Metric = { ...metric, label: `Validation ${metric.label}` };
  const validationLoss: Metric = { name: 'val_loss', label: 'Validation loss', better: 'lower' };
  const trainingLoss: Metric = { name: 'loss', label: 'Training loss', better: 'lower' };
  const target = levelOf(targets, 'validation');
  return present([
    drawCurves(methods, own, compared, 'epoch', target),
    drawCurves(methods, own, compared, 'seconds', target),
    drawCurves(methods, own, validationLoss, 'epoch'),
    drawCurves(methods, own, trainingLoss, 'epoch', levelOf(targets, 'training loss')),
    drawCurves(methods, own, trainingLoss, 'seconds', levelOf(targets, 'training loss')),
  ]);
}

/** The sections of a task. */
export function taskParts({ results, runs, forecasts }: Evaluation, task: Task): Section[] {
  const methods = seriesOf(task.methods);
  const tuned = results.settings.tuning !== null;
  const examples = forecasts.find((entry) => entry.task === task.task)?.examples ?? [];
  const errors = drawForecastErrors(task.forecastErrors, methods);
  const drawn = present([
    ...examples.map((entry) => drawScatter(entry, methods)),
    ...examples.map((entry) => drawWindows(entry, methods)),
  ]);
  const trials = drawTrials(task, methods);
  const own: Section = {
    title: task.task,
    html: html`<p>${describeTask(results, task)}.</p>
${results.tasks.length > 1 ? renderFacts(taskFacts(task, tuned)) : ''}
${renderMethods(scoreTable(task), methods)}${renderStatements(statements(task))}
<details><summary>Further targets and older measures</summary>
${renderMethods(targetTable(task), methods)}${renderMethods(secondaryTable(task), methods)}</details>`,
    charts: [...curveCharts(task, runs, methods), ...(trials === null ? [] : [trials])],
  };
  return [
    own,
    ...(errors.length > 0 ? [{ title: `${task.task}: errors of the forecasts`, charts: errors, further: true }] : []),
    ...(drawn.length > 0 ? [{ title: `${task.task}: forecasts and truth`, charts: drawn, further: true }] : []),
  ];
}
