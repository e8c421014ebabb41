// Reads everything that a report shows of an evaluation's directory.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CorruptFileError, MissingFileError } from '../errors.js';
import { readEvaluationFile, readRunRecord } from '../evaluation/files.js';
import {
  type EvaluationForecasts,
  type EvaluationResults,
  FORECASTS_NAME,
  RESULTS_NAME,
  type RunRecord,
} from '../evaluation/schema.js';

/** An evaluation in memory. */
export interface Evaluation {
  results: EvaluationResults;
  /** Examples of forecasts by task; empty when the file is not there. */
  forecasts: EvaluationForecasts['tasks'];
  /** Finished runs, in the order of the plan. */
  runs: RunRecord[];
}

/**
 * Reads an evaluation.
 *
 * @throws {@link MissingFileError} when there is none or a run's file is gone, {@link CorruptFileError} or
 * SchemaVersionError for files that cannot be read.
 */
export function readEvaluation(directory: string): Evaluation {
  const path = join(directory, RESULTS_NAME);
  if (!existsSync(path))
    throw new MissingFileError({
      what: 'no evaluation',
      where: path,
      remedy: 'give a directory that `wnn evaluate --out` wrote',
    });
  const results = readEvaluationFile(path) as unknown as EvaluationResults;
  if (!Array.isArray(results.tasks) || !Array.isArray(results.runs) || !Array.isArray(results.methods))
    throw new CorruptFileError({ what: 'not the results of an evaluation', where: path, remedy: 'evaluate again' });
  const forecastsPath = join(directory, FORECASTS_NAME);
  const forecasts = existsSync(forecastsPath)
    ? (readEvaluationFile(forecastsPath) as unknown as EvaluationForecasts).tasks
    : [];
  const runs = results.runs.map((id) => {
    const record = readRunRecord(directory, id);
    if (record !== null) return record;
    throw new MissingFileError({
      what: 'a run that the results name is gone',
      where: join(directory, 'runs', `${id}.json`),
      remedy: 'run the same `wnn evaluate` again',
    });
  });
  return { results, forecasts, runs };
}
