// Reads and writes the files of an evaluation's directory.

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { writeJsonAtomic } from '../atomic.js';
import { CorruptFileError } from '../errors.js';
import { readJsonFile, requireVersion } from '../formats/json.js';
import { schemaProblem } from '../formats/jsonSchema.js';
import { EVALUATION_SCHEMA_VERSION, EVALUATION_SCHEMAS, type RunRecord } from './schema.js';

/** Directory of the jobs' records. */
export function runsDirectory(directory: string): string {
  return join(directory, 'runs');
}

/** The finished runs of an evaluation, by the names of their files; none where there is no evaluation. */
export function readRunRecords(directory: string): RunRecord[] {
  const runs = runsDirectory(directory);
  if (!existsSync(runs)) return [];
  const names = readdirSync(runs).filter((name) => name.endsWith('.json'));
  return names.sort().map((name) => readContent('record', join(runs, name)));
}

/** Path of a job's record. */
export function runRecordPath(directory: string, id: string): string {
  return join(runsDirectory(directory), `${id}.json`);
}

/** Writes a run's record atomically. */
export function writeRunRecord(directory: string, record: RunRecord): void {
  writeJsonAtomic(runRecordPath(directory, record.id), record);
}

/**
 * Parses a file of an evaluation.
 *
 * @throws {@link CorruptFileError} when it is not JSON, SchemaVersionError when of another version.
 */
export function readEvaluationFile(path: string): Record<string, unknown> {
  const missing = { what: 'no such file', remedy: 'evaluate again' };
  const value = readJsonFile(path, { missing, remedy: 'delete it and evaluate again' });
  const remedy = 'evaluate into another directory, or use the version of the toolkit that wrote it';
  requireVersion(value, EVALUATION_SCHEMA_VERSION, path, remedy);
  return value as Record<string, unknown>;
}

function refuse(problem: string, path: string): CorruptFileError {
  return new CorruptFileError({
    what: `not what an evaluation writes: ${problem}`,
    where: path,
    remedy: 'delete it and evaluate again',
  });
}

/**
 * Reads `results.json`, `forecasts.json` or a run's file.
 *
 * @throws as {@link readEvaluationFile}, and {@link CorruptFileError} when a field is missing or of another type.
 */
export function readContent<K extends keyof typeof EVALUATION_SCHEMAS>(
  type: K,
  path: string,
): v.InferOutput<(typeof EVALUATION_SCHEMAS)[K]> {
  const schema: v.GenericSchema = EVALUATION_SCHEMAS[type];
  const value = readEvaluationFile(path);
  const problem = schemaProblem(schema, value);
  if (problem !== null) throw refuse(problem, path);
  return v.parse(schema, value) as v.InferOutput<(typeof EVALUATION_SCHEMAS)[K]>;
}

/** Reads a run's file; null when the job is not finished. */
export function readRunRecord(directory: string, id: string): RunRecord | null {
  const path = runRecordPath(directory, id);
  if (!existsSync(path)) return null;
  const record = readContent('record', path);
  if (record.id !== id) throw refuse('its id is not that of its name', path);
  return record;
}
