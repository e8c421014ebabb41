// The tables of an evaluation as text, for terminal and page alike: what each method reached, how soon, and with what
// uncertainty. No arithmetic.

import { quantity } from '../quantity.js';
import {
  formatEstimate,
  formatInterval,
  formatMetric,
  formatMetricEstimate,
  formatRatio,
  formatSetting,
  formatTime,
} from './format.js';
import { overallMedian } from './overallMedian.js';
import type { Estimate, EvaluationResults, Target, TargetScore, TaskSummary } from './schema.js';

/** A table of texts. */
export interface TextTable {
  header: string[];
  /** One row a method, the baseline first. */
  rows: string[][];
}

/** What a target is called: `accuracy 0.6778`, `98% of it: 0.6642`. */
export function describeTarget({ sort, metric, value }: Target): string {
  if (value === null) return `${metric.label}: none`;
  const within = sort.startsWith('easier') ? ' within 2%' : '';
  return `${metric.label}${within} ${formatMetric(value)}`;
}

/** What the trainings of a task have in common: epochs, seeds, how rates were found. */
export function describeTask(
  { settings }: Pick<EvaluationResults, 'settings'>,
  { task, settings: own, seeds }: TaskSummary,
): string {
  const { name, learningRate } = own.optimizer;
  const rates =
    settings.tuning === null
      ? `untuned, ${name} at ${learningRate}`
      : `tuned, ${quantity(settings.tuning.trials, 'trial')} a method around ${name} at ${learningRate}`;
  return `${task}: ${rates}; ${quantity(own.epochs, 'epoch')}, ${seeds.length === 1 ? 'seed' : 'seeds'} ${seeds.join(', ')}`;
}

/** The comparison that counts: times to the best value that plain training reaches. */
export function scoreTable({ metric, methods }: TaskSummary): TextTable {
  const rows = methods.map((method) => {
    const [{ epochs, epochsRatio, seconds, secondsRatio, reached, trained }] = method.targets;
    return [
      method.name,
      formatSetting(method),
      formatTime(epochs.median),
      formatRatio(epochsRatio.value),
      formatInterval(epochsRatio),
      formatTime(seconds.median, 1),
      formatRatio(secondsRatio.value),
      trained === 0 ? '-' : `${reached} of ${trained}`,
      formatMetricEstimate(method.best),
      formatMetricEstimate(method.end),
    ];
  });
  const header = ['method', 'learning rate', 'epochs to target', 'of plain’s', '95% interval', 'seconds', 'of plain’s'];
  return { header: [...header, 'seeds', `best ${metric.label}`, 'at the end'], rows };
}

/** Ratios to plain at the further targets: the easier one, those of the training loss, and with epochs those that were given. */
export function targetTable({ targets, methods }: TaskSummary): TextTable {
  const further = [...targets.keys()].slice(1).filter((t) => targets[t].value !== null);
  const cell = ({ sort }: Target, { epochsRatio, epochs, reached, trained }: TargetScore) => {
    if (trained === 0) return '-';
    const share = reached < trained ? ` (${reached} of ${trained})` : '';
    if (epochs.median === 'never') return `never${share}`;
    const ratio = epochsRatio.value === 0 ? 'plain never' : formatRatio(epochsRatio.value);
    return `${sort === 'given' ? `${formatTime(epochs.median)} epochs, ` : ''}${ratio}${share}`;
  };
  return {
    header: ['of plain’s epochs to', ...further.map((t) => describeTarget(targets[t]))],
    rows: methods.map(({ name, targets: own }) => [name, ...further.map((t) => cell(targets[t], own[t]))]),
  };
}

const times = (figure: Estimate) => (figure.mean === null ? 'none' : `×${formatEstimate(figure, 2)}`);

/** Secondary measures: against the best of the plain run of the same seed, where above 1 is faster. */
export function secondaryTable({ methods }: TaskSummary): TextTable {
  const comparable = methods[0].toPlainBest.reached;
  const rows = methods.map(({ name, toPlainBest, newBests, secondsPerNowcast }) => {
    const row = [name];
    if (comparable === 0) row.push('-', '-', '-', '-');
    else if (toPlainBest.reached === 0) row.push('not reached', '-', '-', '-');
    else {
      const share =
        toPlainBest.reached < comparable ? ` (${toPlainBest.reached} of ${quantity(comparable, 'seed')})` : '';
      row.push(
        `${formatEstimate(toPlainBest.epochs, 1)}${share}`,
        formatEstimate(toPlainBest.seconds, 1),
        times(toPlainBest.speedup),
        times(toPlainBest.speedupSeconds),
      );
    }
    row.push(newBests.total === 0 ? '-' : times(newBests.speedup));
    row.push(secondsPerNowcast.mean === null ? '-' : secondsPerNowcast.mean.toPrecision(2));
    return row;
  });
  const header = ['method', 'epochs to plain’s best', 'seconds to it', 'speed-up', 'in seconds', 'over new bests'];
  return { header: [...header, 's/nowcast'], rows };
}

/** All methods over all tasks, at the first target. */
export function overallTable(results: Pick<EvaluationResults, 'overall' | 'tasks'>): TextTable {
  const [{ methods, profile }] = results.overall;
  const rows = methods.map(({ name, epochs, seconds, reached, missed }, m) => [
    name,
    formatRatio(epochs.value),
    formatInterval(epochs),
    formatRatio(seconds.value),
    formatInterval(seconds),
    `${reached.length} of ${reached.length + missed.length} tasks`,
    formatRatio(overallMedian(results, name, 'epochs')),
    formatRatio(overallMedian(results, name, 'seconds')),
    profile.epochs[m].integral.toFixed(2),
    profile.seconds[m].integral.toFixed(2),
  ]);
  const header = [
    'method',
    'of plain’s epochs',
    '95% interval',
    'of plain’s seconds',
    '95% interval',
    'target reached',
    'median of all tasks',
    'in seconds',
  ];
  return { header: [...header, 'profile integral', 'in seconds'], rows };
}
