// The sentence that says what a method saves, for terminal and page alike. No arithmetic.

import { formatRatio } from './format.js';
import { overallMedian } from './overallMedian.js';
import type { EvaluationResults } from './schema.js';
import { isPlain } from './statements.js';

/** What the metrics of several tasks are called: `accuracy`, `accuracy or perplexity`. */
function metricWords(tasks: EvaluationResults['tasks'], names: readonly string[]): string {
  const labels = tasks.filter(({ task }) => names.includes(task)).map(({ metric }) => metric.label);
  return [...new Set(labels)].join(' or ');
}

/** `on 4 of 5 tasks`, `on cifar10/simplenet`, `on all 5 tasks`. */
function whereWords(reached: readonly string[], count: number): string {
  if (count === 1) return `on ${reached[0]}`;
  return reached.length === count ? `on all ${count} tasks` : `on ${reached.length} of ${count} tasks`;
}

/** Whether a method is there to nowcast and did so in no training of any task. */
function madeNoNowcast({ tasks }: EvaluationResults, name: string): boolean {
  const own = tasks.flatMap(({ methods }) => methods.filter((method) => method.name === name && method.best.count > 0));
  return own.length > 0 && own.every(({ nowcasts }) => nowcasts !== null && isPlain(nowcasts));
}

/**
 * The sentence about one method: `ours reaches the tuned baseline's accuracy in 0.71 of its epochs, 95% interval 0.62 to 0.83,
 * on 4 of 5 tasks; the median of all 5 is 0.78.` The first number is the geometric mean over the tasks that it names; the median
 * counts the others as infinite. Of a method that is to nowcast and never did, it says that, since its times are plain's.
 *
 * @param name of the method.
 * @param unit in which times are compared. Default epochs.
 * @returns null for the baseline itself, and where no task has a target.
 */
export function headline(
  results: EvaluationResults,
  name: string,
  unit: 'epochs' | 'seconds' = 'epochs',
): string | null {
  const [{ methods }] = results.overall;
  const score = methods.find((method) => method.name === name);
  const count = (score?.reached.length ?? 0) + (score?.missed.length ?? 0);
  if (score === undefined || name === results.methods[0].name || count === 0) return null;
  if (madeNoNowcast(results, name)) return `${name} made no nowcast, so that it is plain training here.`;
  const baseline = results.settings.tuning === null ? 'the untuned baseline’s' : 'the tuned baseline’s';
  const metrics = metricWords(results.tasks, [...score.reached, ...score.missed]);
  const { value, interval } = score[unit];
  if (value === null) {
    const where = count === 1 ? `on ${score.missed[0]}` : `on any of ${count} tasks`;
    return `${name} does not reach ${baseline} ${metrics} ${where}.`;
  }
  const median =
    score.missed.length > 0 ? `; the median of all ${count} is ${formatRatio(overallMedian(results, name, unit))}` : '';
  const chance =
    interval === null
      ? 'without an interval'
      : `95% interval ${formatRatio(interval[0])} to ${formatRatio(interval[1])}`;
  return `${name} reaches ${baseline} ${metrics} in ${formatRatio(value)} of its ${unit}, ${chance}, ${whereWords(score.reached, count)}${median}.`;
}
