// Compares the methods over all tasks: mean ratios to plain, and performance profiles. Pure.

import { profileFactors, profileIntegral } from '../evaluation/profile.js';
import { type Overall, type OverallScore, type Profile, TARGETS } from '../evaluation/schema.js';
import type { Comparison } from './scores/compare.js';
import { overallRatio } from './scores/overall.js';
import { type ComparedTask, ratioOf, timeOf } from './summary.js';

type Unit = 'epochs' | 'seconds';

/** The comparison over all tasks at each target that plain sets. */
export function compareOverall(tasks: readonly ComparedTask[]): Overall[] {
  return TARGETS.map((target, t) => {
    // A task whose plain trainings set no target says nothing.
    const compared = tasks.filter(({ summary }) => summary.targets[t].value !== null);
    const names = compared.map(({ summary }) => summary.task);
    const methods = tasks[0].summary.methods.map(({ name }, m) => {
      const comparisons = compared.map((task) => task.comparisons[t][m]);
      return { name, comparisons };
    });
    return {
      target,
      methods: methods.map(({ name, comparisons }) => scoreOf(name, comparisons, names)),
      profile: { tasks: names, epochs: profileOf(methods, 'epochs'), seconds: profileOf(methods, 'seconds') },
    };
  });
}

function scoreOf(name: string, comparisons: readonly Comparison[], tasks: readonly string[]): OverallScore {
  const isReached = tasks.map((_, i) => Number.isFinite(comparisons[i].median?.epochs ?? Number.NaN));
  return {
    name,
    epochs: ratioOf(overallRatio(comparisons.map(({ ratio }) => ratio.epochs))),
    seconds: ratioOf(overallRatio(comparisons.map(({ ratio }) => ratio.seconds))),
    reached: tasks.filter((_, i) => isReached[i]),
    missed: tasks.filter((_, i) => !isReached[i]),
  };
}

function profileOf(methods: readonly { name: string; comparisons: readonly Comparison[] }[], unit: Unit): Profile {
  const factors = profileFactors(
    methods.map(({ comparisons }) => comparisons.map(({ median }) => median?.[unit] ?? null)),
  );
  return methods.map(({ name }, m) => ({
    name,
    factors: factors[m].map(timeOf),
    integral: profileIntegral(factors[m]),
  }));
}
