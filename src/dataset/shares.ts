// The number of scalars drawn from each tensor: a limit per tensor, or equal shares of the same total over groups.

import { spanOf, TRAINED_KINDS } from '../nowcaster/spec.js';
import { type DatasetSettings, MOST_SCALARS } from './options.js';
import type { UsableRun } from './runs.js';
import { countStarts } from './windows.js';

/**
 * Divides `total` in proportion to the weights, limited by the capacities; what exceeds one capacity goes to the others.
 *
 * @returns the shares; they sum to `total` unless all capacities are reached.
 */
function divide(total: number, weights: readonly number[], capacities: readonly number[]): number[] {
  const shares = weights.map(() => 0);
  let open = weights.map((_, i) => i).filter((i) => weights[i] > 0 && capacities[i] > 0);
  let left = total;
  for (;;) {
    const weight = open.reduce((sum, i) => sum + weights[i], 0);
    const full = open.filter((i) => capacities[i] <= (left * weights[i]) / weight);
    if (full.length === 0) {
      for (const i of open) shares[i] = (left * weights[i]) / weight;
      return shares;
    }
    for (const i of full) {
      shares[i] = capacities[i];
      left -= capacities[i];
    }
    open = open.filter((i) => !full.includes(i));
  }
}

/** A tensor of a run with its windows: `planned` with the limit per tensor, `capacity` if all scalars were drawn. */
interface Leaf {
  run: number;
  tensor: number;
  planned: number;
  capacity: number;
}

const sum = (leaves: readonly Leaf[], field: 'planned' | 'capacity') =>
  leaves.reduce((total, leaf) => total + leaf[field], 0);

function groupBy(leaves: readonly Leaf[], groupOf: (leaf: Leaf) => string | number): Leaf[][] {
  const groups = new Map<string | number, Leaf[]>();
  for (const leaf of leaves) {
    const group = groups.get(groupOf(leaf));
    if (group) group.push(leaf);
    else groups.set(groupOf(leaf), [leaf]);
  }
  return [...groups.values()];
}

/**
 * The number of scalars to draw from each tensor of each run of one split.
 *
 * Without balance: `scalarsPerTensor`, or all of a tensor that has fewer. With balance, the same total of windows is
 * divided over kinds, then architectures, then runs: equally at a balanced level, else in proportion to the unbalanced
 * number of windows. A group that is too small contributes all its windows.
 *
 * @returns `[run][tensor]`, in the order of `run.tensors`; at least 1 each.
 */
export function shareScalars(runs: readonly UsableRun[], settings: DatasetSettings): Uint32Array[] {
  const { scalarsPerTensor, windowStride, balance } = settings;
  const span = spanOf(settings);
  const starts = runs.map(({ snapshots }) => countStarts(snapshots, span, windowStride));
  const counts = runs.map(({ tensors }) => Uint32Array.from(tensors, ({ size }) => Math.min(size, scalarsPerTensor)));
  if (balance.length === 0) return counts;
  const leaves: Leaf[] = runs.flatMap(({ tensors }, run) =>
    tensors.map(({ size }, tensor) => ({
      run,
      tensor,
      planned: counts[run][tensor] * starts[run],
      capacity: Math.min(size, MOST_SCALARS) * starts[run],
    })),
  );
  const levels: { even: boolean; groupOf: (leaf: Leaf) => string | number }[] = [
    {
      even: balance.includes('kinds'),
      groupOf: ({ run, tensor }) => TRAINED_KINDS.indexOf(runs[run].tensors[tensor].kind),
    },
    { even: balance.includes('architectures'), groupOf: ({ run }) => runs[run].architecture ?? '' },
    { even: balance.includes('runs'), groupOf: ({ run }) => run },
    { even: false, groupOf: ({ tensor }) => tensor },
  ];
  const assign = (total: number, members: readonly Leaf[], level: number) => {
    if (level === levels.length) {
      const [{ run, tensor }] = members;
      const { size } = runs[run].tensors[tensor];
      counts[run][tensor] = Math.min(size, MOST_SCALARS, Math.max(1, Math.round(total / Math.max(1, starts[run]))));
      return;
    }
    const { even, groupOf } = levels[level];
    const groups = groupBy(members, groupOf);
    const weights = groups.map((group) => (even ? 1 : sum(group, 'planned')));
    const shares = divide(
      total,
      weights,
      groups.map((group) => sum(group, 'capacity')),
    );
    for (const [i, group] of groups.entries()) assign(shares[i], group, level + 1);
  };
  assign(sum(leaves, 'planned'), leaves, 0);
  return counts;
}
