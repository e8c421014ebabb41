// From the runs of all trials to the setting that each method is trained with. Pure.

import { InsufficientDataError } from '../../errors.js';
import { medianOf } from '../../evaluation/median.js';
import type { MethodTuning, RunRecord, Trial } from '../../evaluation/schema.js';
import type { MethodSetting, PlannedMethod, PlannedTask } from '../plan.js';
import { type Better, bestOf, type Curve, isAsGood, type Reach, reachOf } from '../scores/curve.js';
import { plainTarget } from '../scores/target.js';
import { timeOf } from '../summary.js';

/** The outcome of the tuning of one task. */
export interface TunedTask {
  /** The setting of each method, the baseline first. */
  methods: MethodSetting[];
  tuning: MethodTuning[];
}

/** A trial with what its choice depends on. */
interface Candidate {
  setting: PlannedMethod;
  curves: Curve[];
  /** Best value of each tuning seed; null where there was none. */
  bests: (number | null)[];
  /** Their median; NaN where there is none. */
  best: number;
  /** Whether a run diverged, or never had a value of the metric. */
  diverged: boolean;
}

function candidateOf(
  setting: PlannedMethod,
  records: ReadonlyMap<string, RunRecord>,
  metric: PlannedTask['task']['metric'],
): Candidate {
  const runs = setting.jobs.map(({ id }) => records.get(id)!);
  const curves = runs.map(({ metrics, seconds, status }) => {
    return { values: metrics[metric.name] ?? [], seconds, diverged: status === 'diverged' };
  });
  const bests = curves.map(({ values }) => bestOf(values, metric.better)?.value ?? null);
  const known = bests.filter((best) => best !== null);
  const trained = known.length === bests.length && curves.every(({ diverged }) => !diverged);
  return { setting, curves, bests, best: medianOf(known), diverged: !trained };
}

const medianEpochs = (reaches: readonly Reach[]) => medianOf(reaches.map(({ epochs }) => epochs));

/** The candidate that comes first: fewest epochs to the target, then the better best value, then the lower learning rate. */
function chooseOf(candidates: readonly Candidate[], target: number | null, better: Better): Candidate | null {
  let chosen: Candidate | null = null;
  const epochsOf = ({ curves }: Candidate) =>
    target === null ? 0 : medianEpochs(curves.map((curve) => reachOf(curve, target, better)));
  for (const candidate of candidates) {
    if (candidate.diverged) continue;
    const [own, other] = [epochsOf(candidate), chosen === null ? Number.NaN : epochsOf(chosen)];
    if (chosen === null || own < other || (own === other && !isAsGood(better, chosen.best, candidate.best)))
      chosen = candidate;
  }
  return chosen;
}

function edgeOf(chosen: number, tried: readonly number[]): MethodTuning['edge'] {
  const rates = [...new Set(tried)].sort((a, b) => a - b);
  if (rates.length < 2) return null;
  if (chosen === rates[0]) return 'lowest';
  return chosen === rates[rates.length - 1] ? 'highest' : null;
}

/**
 * Chooses the setting of each method. Plain's is the one with the best median of its best values, and its trainings set the
 * target of the tuning; every other method's is the one that gets to that target in the fewest epochs (median),
 * and of those that never get there the one with the best median. With one tuning seed the two rules are one: of plain's own
 * trials only the best gets to the target that it sets.
 *
 * @param planned the trials: one method a trial, those of a method one after another, in ascending order of the learning rates.
 * @param records the runs of all of them.
 * @throws {@link InsufficientDataError} when all trials of a method diverged.
 */
export function chooseTrials(planned: PlannedTask, records: ReadonlyMap<string, RunRecord>): TunedTask {
  const { task, methods } = planned;
  const { better } = task.metric;
  const names = [...new Set(methods.map(({ method }) => method.name))];
  let target: number | null = null;
  const result: TunedTask = { methods: [], tuning: [] };
  for (const [m, name] of names.entries()) {
    const candidates = methods
      .filter(({ method }) => method.name === name)
      .map((setting) => candidateOf(setting, records, task.metric));
    const chosen = chooseOf(candidates, target, better);
    if (chosen === null) {
      const rates = candidates.map(({ setting }) => setting.optimizer.learningRate);
      throw new InsufficientDataError({
        what: `no learning rate of ${rates.join(', ')} trains ${name} without divergence`,
        where: task.name,
        remedy: 'center the rates elsewhere with --learning-rate, or leave the method out',
      });
    }
    if (m === 0) target = plainTarget(chosen.curves, better);
    const { method, optimizer, stepScale } = chosen.setting;
    result.methods.push({ method, optimizer, stepScale });
    const trials = candidates.map((candidate): Trial => {
      const reaches = candidate.curves.map((curve) => reachOf(curve, target!, better));
      return {
        learningRate: candidate.setting.optimizer.learningRate as number,
        stepScale: candidate.setting.stepScale,
        runs: candidate.setting.jobs.map(({ id }) => id),
        bests: candidate.bests,
        epochs: reaches.map(({ epochs }) => timeOf(epochs)),
        best: Number.isNaN(candidate.best) ? null : candidate.best,
        medianEpochs: timeOf(medianEpochs(reaches)),
        diverged: candidate.diverged,
        chosen: candidate === chosen,
      };
    });
    const tried = candidates.map(({ setting }) => setting.optimizer.learningRate as number);
    result.tuning.push({ name, trials, edge: edgeOf(optimizer.learningRate as number, tried) });
  }
  return result;
}
