// What a method saves on the median task. Unlike the mean over the tasks where it gets to the target, it counts those where it does not.

import { medianOf } from './median.js';
import type { EvaluationResults } from './schema.js';
import type { Time } from './taskSchema.js';

/**
 * The median over the tasks of a method's time to the first target, divided by plain's; a task where it does not get there counts
 * as infinite. Null where no task can be compared.
 */
export function overallMedian(
  { tasks }: Pick<EvaluationResults, 'tasks'>,
  name: string,
  unit: 'epochs' | 'seconds',
): Time {
  const ratios = tasks.flatMap(({ methods }) => {
    const [score] = methods.find((method) => method.name === name)?.targets ?? [];
    const value = score?.[`${unit}Ratio`].value ?? null;
    if (value === null) return [];
    return value === 'never' ? Number.POSITIVE_INFINITY : value;
  });
  const median = medianOf(ratios);
  if (Number.isNaN(median)) return null;
  return Number.isFinite(median) ? median : 'never';
}
