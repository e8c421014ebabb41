// The evaluate stage: tunes if asked, trains the missing runs in worker processes, compares them and writes results.json.

import { join } from 'node:path';
import { writeJsonAtomic } from '../atomic.js';
import { InsufficientDataError } from '../errors.js';
import { REPORT_NAME, reportState } from '../evaluation/reportFile.js';
import {
  EVALUATION_SCHEMA_VERSION,
  type EvaluationForecasts,
  type EvaluationJob,
  type EvaluationResults,
  FORECASTS_NAME,
  RESULTS_NAME,
} from '../evaluation/schema.js';
import { type JobExecutor, processExecutor, type Shard, takeShard } from '../jobs/index.js';
import { quantity } from '../quantity.js';
import { TOOLKIT_VERSION } from '../version.js';
import { measureForecasts } from './forecastErrors.js';
import { evaluateJobs } from './jobKind.js';
import type { EvaluateOptions } from './options.js';
import { compareOverall } from './overall.js';
import { jobsOf, type PlannedTask, planTask } from './plan.js';
import { type PreparedEvaluation, prepareEvaluation } from './prepare.js';
import { summarizeTask } from './summary.js';
import { type CompletedRuns, completeRuns, completeTrials, executorOf } from './trainings.js';
import { hasSample, sampleStore } from './trajectorySample.js';
import { chooseTrials, type TunedTask } from './tuning/choose.js';
import { planTrials, untuned } from './tuning/trials.js';

/** Result of {@link evaluate}. */
export interface EvaluateResult extends EvaluationResults {
  /** Path of `results.json`. */
  file: string;
  /** Numbers of runs and trials trained now, and of existing ones. */
  trained: number;
  kept: number;
}

/** The trials of the tuning of each task; none without tuning. */
function trialsOf({ tasks, methods, tuning, shared }: PreparedEvaluation): PlannedTask[] {
  return tuning === null ? [] : tasks.map((spec) => planTrials(spec, methods, tuning, shared));
}

/** What tuning chose for each task, from its trials; null without tuning. */
function choose(trials: readonly PlannedTask[], { records, failed }: CompletedRuns, out: string): TunedTask[] | null {
  if (trials.length === 0) return null;
  if (failed.length > 0)
    throw new InsufficientDataError({
      what: `nothing can be chosen while trials have no result: ${failed.join(', ')}`,
      where: out,
      remedy: 'run the same command again',
    });
  return trials.map((planned) => chooseTrials(planned, records));
}

/** The runs that are reported, each method at its own setting. */
function runsOf({ tasks, methods, settings, shared }: PreparedEvaluation, tuned: TunedTask[] | null): PlannedTask[] {
  return tasks.map((spec, t) => {
    const chosen = tuned?.[t].methods ?? methods.map((method) => untuned(spec, method));
    return planTask(spec, chosen, settings.seeds, shared);
  });
}

/** What runs the trainings that are reported: one process where seconds are to be compared. */
function runExecutor({ options, settings }: PreparedEvaluation): JobExecutor {
  return settings.alone ? processExecutor({ workers: 1 }) : executorOf(options);
}

/** Result of {@link evaluateShard}. */
export interface EvaluateShardResult {
  out: string;
  /** `tuning`: the trials are not complete, so that no run could be planned; the numbers are those of the trials. */
  phase: 'tuning' | 'runs';
  /** Trainings of the whole evaluation, and how many have no result yet. */
  runs: number;
  missing: number;
  /** Runs of the shard that were trained now, and that were there already. */
  trained: number;
  kept: number;
  /** Ids of runs of the shard that failed. */
  failed: string[];
}

/**
 * Runs the trainings of one shard of an evaluation without a comparison. When all shards are finished, {@link evaluate}
 * with the same options compares. With tuning, shards train trials first, and runs as soon as all trials are there.
 *
 * @throws as {@link evaluate}, and {@link UsageError} when there is no such shard.
 */
export async function evaluateShard(given: EvaluateOptions, shard: Shard): Promise<EvaluateShardResult> {
  const prepared = await prepareEvaluation(given);
  const { options } = prepared;
  const train = async (phase: EvaluateShardResult['phase'], jobs: readonly EvaluationJob[]) => {
    const own = takeShard(jobs, shard);
    const { trained, failed } =
      phase === 'tuning' ? await completeTrials(own, options) : await completeRuns(own, options, runExecutor(prepared));
    const missing = jobs.filter(({ id }) => !evaluateJobs.isDone(options.out, id)).length;
    const kept = own.length - trained - failed.length;
    return { out: options.out, phase, runs: jobs.length, missing, trained, kept, failed };
  };
  const trials = trialsOf(prepared);
  const tuned = await train('tuning', jobsOf(trials));
  if (tuned.missing > 0) return tuned;
  const chosen = choose(trials, await completeTrials(jobsOf(trials), options), options.out);
  return train('runs', jobsOf(runsOf(prepared, chosen)));
}

/**
 * Trains every task with every seed by every method, from the same initial weights on the same batches, and compares.
 * With `tune`, each method's learning rate is chosen before, on other seeds. Continues where an earlier call with the same
 * settings stopped.
 *
 * @throws {@link UsageError} for impossible settings, or when `out` holds an evaluation of other settings; MissingFileError for
 * images or nowcasters that are not there; {@link InsufficientDataError} when no plain training finished, or no trial of a
 * method trained; `signal.reason` when aborted.
 */
export async function evaluate(given: EvaluateOptions): Promise<EvaluateResult> {
  const prepared = await prepareEvaluation(given);
  const { options, settings, methods, described, missingTasks } = prepared;
  const { out, targets, newBestsAfter, methodModules = [], onNote } = options;
  const trials = trialsOf(prepared);
  const tried = await completeTrials(jobsOf(trials), options);
  const tuned = choose(trials, tried, out);

  const plan = runsOf(prepared, tuned);
  const jobs = jobsOf(plan);
  const { records, trained, failed } = await completeRuns(jobs, options, runExecutor(prepared));
  for (const id of failed) onNote?.(`${id} has no result; run the same command to try it again`);
  const baselineIds = plan.map(({ methods: [{ jobs: own }] }) =>
    own.map(({ id }) => id).filter((id) => records.has(id)),
  );
  if (baselineIds.every(({ length }) => length === 0))
    throw new InsufficientDataError({
      what: 'no plain training finished, so there is nothing to compare with',
      where: out,
      remedy: 'run the same command again',
    });
  const sampledIds = baselineIds.map((ids) => ids.filter((id) => hasSample(out, id)));
  const unsampled = baselineIds.flat().length - sampledIds.flat().length;
  if (unsampled > 0) onNote?.(`forecast errors are without ${quantity(unsampled, 'run')}, not in ${sampleStore(out)}`);
  const compared = plan.map((planned, t) =>
    summarizeTask(planned, records, { targets, newBestsAfter, tuning: tuned?.[t].tuning }),
  );
  const tasks: EvaluationResults['tasks'] = [];
  const forecasts: EvaluationForecasts = { schemaVersion: EVALUATION_SCHEMA_VERSION, tasks: [] };
  for (const [t, { summary }] of compared.entries()) {
    const { errors, examples } = await measureForecasts(out, sampledIds[t], methods);
    tasks.push({ ...summary, forecastErrors: errors });
    forecasts.tasks.push({ task: summary.task, examples });
  }
  const results: EvaluationResults = {
    schemaVersion: EVALUATION_SCHEMA_VERSION,
    toolkitVersion: TOOLKIT_VERSION,
    settings,
    methods: described,
    methodModules: [...methodModules],
    tasks,
    missingTasks,
    overall: compareOverall(compared),
    runs: jobs.filter(({ id }) => records.has(id)).map(({ id }) => id),
    trials: jobsOf(trials).map(({ id }) => id),
  };
  writeJsonAtomic(join(out, FORECASTS_NAME), forecasts);
  const file = join(out, RESULTS_NAME);
  writeJsonAtomic(file, results);
  if (reportState(out) === 'older')
    onNote?.(`${join(out, REPORT_NAME)} shows older results; \`wnn report ${out}\` makes it anew`);
  const kept = records.size + tried.records.size - trained - tried.trained;
  return { ...results, file, trained: trained + tried.trained, kept };
}
