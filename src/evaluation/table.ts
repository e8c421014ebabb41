// The headline table: what each method reached, how soon, and how sure that is. Text only; no arithmetic.

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

function methodRow(method: MethodSummary, seeds: number): string[] {
  const { name, best, toPlainBest, newBests, secondsPerNowcast } = method;
  const row = [name, formatEstimate(best, 4)];
  if (toPlainBest.reached === 0) row.push('not reached', '-', '-', '-');
  else {
    const share = toPlainBest.reached < seeds ? ` (${toPlainBest.reached} of ${seeds} seeds)` : '';
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

/** One row a method. */
export function tableRows({ methods, seeds }: TaskSummary): string[][] {
  return methods.map((method) => methodRow(method, seeds.length));
}

/** Plain statements that belong under a task's table: what was not reached, undone, skipped, or is too few to judge. */
export function statements({ methods, seeds }: TaskSummary): string[] {
  const lines: string[] = [];
  if (seeds.length === 1) lines.push('One seed only: no spread, and no judgement of chance.');
  for (const { name, toPlainBest, toTargets, best, diverged, nowcasts } of methods) {
    if (diverged.length > 0) lines.push(`${name}: training diverged with seed ${diverged.join(', ')}.`);
    if (best.count < seeds.length)
      lines.push(
        `${name}: no ${best.count === 0 ? '' : 'complete set of '}finished runs (${best.count} of ${seeds.length} seeds).`,
      );
    else if (name !== 'plain' && toPlainBest.reached < seeds.length)
      lines.push(
        `${name}: plain's best not reached with ${seeds.length - toPlainBest.reached} of ${seeds.length} seeds.`,
      );
    for (const { target, reached, epochs, speedup } of toTargets) {
      const in_ = epochs.mean === null ? 'not reached' : `reached in ${formatEstimate(epochs, 1)} epochs`;
      const share = reached > 0 && reached < seeds.length ? `, ${reached} of ${seeds.length} seeds` : '';
      const faster = name === 'plain' || speedup.mean === null ? '' : `, ${times(speedup)}`;
      lines.push(`${name}: target ${target} ${in_}${share}${faster}.`);
    }
    if (nowcasts.undone > 0)
      lines.push(`${name}: the guard undid ${nowcasts.undone} of ${nowcasts.undone + nowcasts.kept} nowcasts.`);
    if (nowcasts.skipped > 0) lines.push(`${name}: ${nowcasts.skipped} nowcasts skipped.`);
  }
  return lines;
}
