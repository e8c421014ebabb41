// What has to be said below the table of a task: targets that were missed, trainings that collapsed, diverged or are missing,
// rates at the edge of what was tried, too few seeds. No arithmetic.

import { quantity } from '../quantity.js';
import { formatMetric } from './format.js';
import type { MethodSummary, TaskSummary } from './schema.js';
import { describeTarget } from './table.js';

const seedList = (seeds: readonly number[]) => `${seeds.length === 1 ? 'seed' : 'seeds'} ${seeds.join(', ')}`;

/** Missing and diverged trainings. */
function trainingStatements(
  { name, best, diverged }: MethodSummary,
  seeds: readonly number[],
  isBaseline: boolean,
): string[] {
  const missing = seeds.filter((seed, i) => best.values[i] === null && !diverged.includes(seed));
  const lines: string[] = [];
  if (diverged.length > 0)
    lines.push(
      `${name}: training diverged with ${seedList(diverged)}${isBaseline ? ', where there is nothing to compare with' : ''}.`,
    );
  if (missing.length === seeds.length) lines.push(`${name}: no finished runs.`);
  else if (missing.length > 0) lines.push(`${name}: no finished run with ${seedList(missing)}.`);
  return lines;
}

/** Trainings that lose at the end what they had reached. */
function collapseStatement({ name, best, end, collapsed }: MethodSummary, { metric, seeds }: TaskSummary): string[] {
  if (collapsed.length === 0) return [];
  const examples = collapsed.map((seed) => {
    const i = seeds.indexOf(seed);
    return `${formatMetric(end.values[i]!)} after ${formatMetric(best.values[i]!)}`;
  });
  const which = collapsed.length === seeds.length ? '' : ` with ${seedList(collapsed)}`;
  return [`${name}: WARNING: ends far from its best${which}: ${metric.label} ${examples.join(', ')}.`];
}

/** Nowcasts that did not happen, or did not help. */
function nowcastStatements({ name, nowcasts, diverged }: MethodSummary, seeds: readonly number[]): string[] {
  if (nowcasts === null) return [];
  const { kept, reverted, skipped, late, discarded, seen, reasons } = nowcasts;
  const lines: string[] = [];
  const why = reasons.length === 0 ? '' : ` (${reasons.join('; ')})`;
  if (diverged.length < seeds.length && seen === 0)
    lines.push(`${name}: no nowcast before the last epoch, so that it is plain training here.`);
  if (seen > 0 && isPlain(nowcasts))
    return [`${name}: ${quantity(skipped, 'nowcast')}, all skipped${why}, so that it is plain training here.`];
  const done = quantity(kept + reverted, 'nowcast');
  if (reverted > 0)
    lines.push(`${name}: the watch rolled back ${reverted} of ${done}, discarding ${quantity(discarded, 'snapshot')}.`);
  if (late > 0) lines.push(`${name}: ${late} of ${done} did not help, but were kept.`);
  if (skipped > 0) lines.push(`${name}: ${quantity(skipped, 'nowcast')} skipped${why}.`);
  return lines;
}

/** Whether nowcasts changed nothing in a training. */
export function isPlain({ kept, reverted }: NonNullable<MethodSummary['nowcasts']>): boolean {
  return kept + reverted === 0;
}

/** What secondary measures do not show. */
function secondaryStatement(
  { name, toPlainBest, newBests, best }: MethodSummary,
  comparable: readonly boolean[],
): string[] {
  const compared = best.values.filter((value, i) => value !== null && comparable[i]).length;
  const unreached: string[] = [];
  if (toPlainBest.reached < compared)
    unreached.push(
      `plain’s best of the same seed not reached with ${compared - toPlainBest.reached} of ${quantity(compared, 'seed')}`,
    );
  if (newBests.reached < newBests.total)
    unreached.push(
      `${newBests.total - newBests.reached} of plain’s ${quantity(newBests.total, 'new best')} not reached, counted as an epoch after the end`,
    );
  return unreached.length > 0 ? [`${name}: ${unreached.join('; ')}.`] : [];
}

/** Targets, and what plain training itself makes of them. */
function targetStatements({ targets, methods, seeds }: TaskSummary): string[] {
  const [plain] = methods;
  const lines: string[] = [];
  const [first] = targets;
  if (first.value === null) lines.push('Plain training sets no target, so that no method has a score.');
  else
    lines.push(`Target: ${describeTarget(first)}, the median of plain’s best over ${quantity(seeds.length, 'seed')}.`);
  for (const target of targets)
    if (target.missedByPlain.length > 0)
      lines.push(
        `Plain itself misses ${describeTarget(target)} with ${seedList(target.missedByPlain)} of ${plain.targets[0].trained}.`,
      );
  return lines;
}

/** Rates at the end of those that were tried, all methods of one rate together, and rates that diverged. */
function tuningStatements({ tuning }: TaskSummary): string[] {
  const atEdge = new Map<string, string[]>();
  const lines: string[] = [];
  for (const { name, trials, edge } of tuning ?? []) {
    const chosen = trials.find((trial) => trial.chosen);
    if (edge !== null && chosen) {
      const rate = `${chosen.learningRate}, the ${edge} tried`;
      atEdge.set(rate, [...(atEdge.get(rate) ?? []), name]);
    }
    const diverged = trials.filter((trial) => trial.diverged).map(({ learningRate }) => learningRate);
    if (diverged.length > 0) lines.push(`${name}: diverged in tuning at ${diverged.join(', ')}.`);
  }
  const edges = [...atEdge].map(
    ([rate, names]) => `Best at a learning rate of ${rate}, so that a better one may lie beyond: ${names.join(', ')}.`,
  );
  return [...edges, ...lines];
}

/** Notes below a task's tables. */
export function statements(summary: TaskSummary): string[] {
  const { methods, seeds } = summary;
  const comparable = methods[0].toPlainBest.epochs.values.map((epochs) => epochs !== null);
  const lines = targetStatements(summary);
  if (seeds.length === 1) lines.push('One seed only: no spread and no confidence interval.');
  for (const method of methods) {
    lines.push(...trainingStatements(method, seeds, method === methods[0]));
    if (method.best.count === 0) continue;
    lines.push(...collapseStatement(method, summary));
    lines.push(...secondaryStatement(method, comparable));
    lines.push(...nowcastStatements(method, seeds));
  }
  return [...lines, ...tuningStatements(summary)];
}
