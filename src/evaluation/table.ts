// The results table as text: what each method reached, how soon, and with what uncertainty. No arithmetic.

import type { Estimate, MethodSummary, TaskSummary } from './schema.js';

/** Header of the rows that {@link tableRows} makes. */
export const TABLE_HEADER = [
  'method',
  'best val_acc',
  'epochs to plain’s best',
  'seconds to it',
  'speed-up',
  'in seconds',
  'over new bests',
  's/nowcast',
] as const;

/** `mean ± sd`, or the mean alone of a single seed; `none` without a value. */
export function formatEstimate({ mean, sd }: Estimate, digits: number): string {
  if (mean === null) return 'none';
  return sd === null ? mean.toFixed(digits) : `${mean.toFixed(digits)} ± ${sd.toFixed(digits)}`;
}

const times = (figure: Estimate) => (figure.mean === null ? 'none' : `×${formatEstimate(figure, 2)}`);

/** Seeds whose plain training there is to compare with: it reaches its own best. */
const comparableSeeds = ({ methods }: TaskSummary) => methods[0].toPlainBest.reached;

function methodRow(method: MethodSummary, comparable: number): string[] {
  const { name, best, toPlainBest, newBests, secondsPerNowcast } = method;
  const row = [name, formatEstimate(best, 4)];
  if (comparable === 0) row.push('-', '-', '-', '-');
  else if (toPlainBest.reached === 0) row.push('not reached', '-', '-', '-');
  else {
    const share = toPlainBest.reached < comparable ? ` (${toPlainBest.reached} of ${comparable} seeds)` : '';
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
}

/** One row per method. */
export function tableRows(summary: TaskSummary): string[][] {
  return summary.methods.map((method) => methodRow(method, comparableSeeds(summary)));
}

/** Notes on the trainings: missing and diverged ones. */
function trainingStatements(
  { name, best, diverged }: MethodSummary,
  seeds: readonly number[],
  isBaseline: boolean,
): string[] {
  const missing = seeds.filter((seed, i) => best.values[i] === null && !diverged.includes(seed));
  const lines: string[] = [];
  if (diverged.length > 0)
    lines.push(
      `${name}: training diverged with seed ${diverged.join(', ')}${isBaseline ? ', where there is nothing to compare with' : ''}.`,
    );
  if (missing.length === seeds.length) lines.push(`${name}: no finished runs.`);
  else if (missing.length > 0) lines.push(`${name}: no finished run with seed ${missing.join(', ')}.`);
  return lines;
}

/** Notes below a task's table: targets not reached, nowcasts undone or skipped, too few seeds. */
export function statements(summary: TaskSummary): string[] {
  const { methods, seeds } = summary;
  const comparable = methods[0].toPlainBest.epochs.values.map((epochs) => epochs !== null);
  const lines: string[] = [];
  if (seeds.length === 1) lines.push('One seed only: no spread, and no judgement of chance.');
  for (const method of methods) {
    const { name, toPlainBest, newBests, toTargets, best, diverged, nowcasts } = method;
    const isBaseline = method === methods[0];
    lines.push(...trainingStatements(method, seeds, isBaseline));
    if (best.count === 0) continue;
    const compared = best.values.filter((value, i) => value !== null && comparable[i]).length;
    const unreached: string[] = [];
    if (toPlainBest.reached < compared)
      unreached.push(`plain's best not reached with ${compared - toPlainBest.reached} of ${compared} seeds`);
    if (newBests.reached < newBests.total)
      unreached.push(
        `${newBests.total - newBests.reached} of plain's ${newBests.total} new bests not reached, counted as an epoch after the end`,
      );
    if (unreached.length > 0) lines.push(`${name}: ${unreached.join('; ')}.`);
    for (const { target, reached, epochs, speedup } of toTargets) {
      const in_ = epochs.mean === null ? 'not reached' : `reached in ${formatEstimate(epochs, 1)} epochs`;
      const share = reached > 0 && reached < seeds.length ? `, ${reached} of ${seeds.length} seeds` : '';
      const faster = isBaseline || speedup.mean === null ? '' : `, ${times(speedup)}`;
      lines.push(`${name}: target ${target} ${in_}${share}${faster}.`);
    }
    if (nowcasts === null) continue;
    const { kept, reverted, skipped, late, discarded, seen } = nowcasts;
    if (diverged.length < seeds.length && seen === 0)
      lines.push(`${name}: no nowcast before the last epoch, so that it is plain training here.`);
    if (reverted > 0)
      lines.push(
        `${name}: the watch went back from ${reverted} of ${kept + reverted} nowcasts, ${discarded} snapshots in all.`,
      );
    if (late > 0) lines.push(`${name}: ${late} of ${kept + reverted} nowcasts did not pay, though they were kept.`);
    if (skipped > 0) lines.push(`${name}: ${skipped} nowcasts skipped.`);
  }
  return lines;
}
