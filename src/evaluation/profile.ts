// Performance profiles (Dolan and Moré, 2002) and their integral, as AlgoPerf scores training methods (Dahl et al., 2023,
// section 4.5). Pure functions.

/** Factors of the best method's time up to which a profile is drawn and integrated. */
export const PROFILE_RANGE = [1, 4] as const;

/**
 * How much longer each method takes than the best one, task by task.
 *
 * @param times by method and task; infinite for a target that was never reached, null where there is none to reach.
 * @returns factors from 1, by method and task; infinite where the target was never reached. Tasks without any time are left out.
 */
export function profileFactors(times: readonly (readonly (number | null)[])[]): number[][] {
  const tasks = [...(times[0] ?? []).keys()];
  const bests = tasks.map((task) => Math.min(...times.map((own) => own[task] ?? Number.POSITIVE_INFINITY)));
  const compared = tasks.filter((task) => Number.isFinite(bests[task]));
  return times.map((own) => compared.map((task) => (own[task] ?? Number.POSITIVE_INFINITY) / bests[task]));
}

/** Share of the tasks on which a method takes at most `tau` times as long as the best one; 0 without tasks. */
export function shareWithin(factors: readonly number[], tau: number): number {
  return factors.length === 0 ? 0 : factors.filter((factor) => factor <= tau).length / factors.length;
}

/** The integral of {@link shareWithin} over the range, divided by its length: 1 for the best method of all tasks. */
export function profileIntegral(factors: readonly number[], [low, high] = PROFILE_RANGE): number {
  if (factors.length === 0) return 0;
  const area = factors.reduce((sum, factor) => sum + Math.max(0, high - Math.max(low, factor)), 0);
  return area / factors.length / (high - low);
}
