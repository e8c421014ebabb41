// Reads everything that a report shows of an evaluation's directory.

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { InsufficientDataError, MissingFileError } from '../errors.js';
import { readContent, readRunRecord } from '../evaluation/files.js';
import { resultsDigest } from '../evaluation/reportFile.js';
import {
  type EvaluationForecasts,
  type EvaluationResults,
  FORECASTS_NAME,
  RESULTS_NAME,
  type RunRecord,
} from '../evaluation/schema.js';
import { withoutDirectories } from './directories.js';

/** An evaluation in memory, without the directories of the machine that made it. */
export interface Evaluation {
  results: EvaluationResults;
  /** Examples of forecasts by task; empty when the file is not there. */
  forecasts: EvaluationForecasts['tasks'];
  /** Finished runs, in the order of the plan. */
  runs: RunRecord[];
  /** Of the results that were read; see resultsDigest. */
  digest: string;
}

/** Why a directory has no results: nothing was evaluated there, or it was not finished. */
function missingResults(directory: string): InsufficientDataError | MissingFileError {
  const runs = join(directory, 'runs');
  const finished = existsSync(runs) ? readdirSync(runs).filter((name) => name.endsWith('.json')).length : 0;
  if (finished > 0 || existsSync(join(directory, 'trajectories')))
    return new InsufficientDataError({
      what: `an evaluation that was interrupted, with ${finished} finished runs and no comparison yet`,
      where: directory,
      remedy: 'run the same `wnn evaluate` again to complete it',
    });
  return new MissingFileError({
    what: existsSync(directory) ? 'no evaluation' : 'no such directory',
    where: existsSync(directory) ? join(directory, RESULTS_NAME) : directory,
    remedy: 'give a directory that `wnn evaluate --out` wrote',
  });
}

/**
 * Reads an evaluation.
 *
 * @throws {@link InsufficientDataError} when it was interrupted, {@link MissingFileError} when there is none or a run's file is gone, {@link CorruptFileError} or
 * SchemaVersionError for files that cannot be read.
 */
export function readEvaluation(directory: string): Evaluation {
  const path = join(directory, RESULTS_NAME);
  if (!existsSync(path)) throw missingResults(directory);
  const results = readContent('results', path);
  const forecastsPath = join(directory, FORECASTS_NAME);
  const forecasts = existsSync(forecastsPath) ? readContent('forecasts', forecastsPath).tasks : [];
  const runs = results.runs.map((id) => {
    const record = readRunRecord(directory, id);
    if (record !== null) return record;
    throw new MissingFileError({
      what: 'a run that the results name is gone',
      where: join(directory, 'runs', `${id}.json`),
      remedy: 'run the same `wnn evaluate` again',
    });
  });
  return withoutDirectories({ results, forecasts, runs, digest: resultsDigest(directory) });
}
