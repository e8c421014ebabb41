// Reading and writing the files of an evaluation's directory.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { writeJsonAtomic } from '../atomic.js';
import { CorruptFileError, SchemaVersionError } from '../errors.js';
import { EVALUATION_SCHEMA_VERSION, EVALUATION_SCHEMAS, type RunRecord } from './schema.js';

/** Where the files of jobs are. */
export function runsDirectory(directory: string): string {
  return join(directory, 'runs');
}

/** Where the file of a job is. */
export function runRecordPath(directory: string, id: string): string {
  return join(runsDirectory(directory), `${id}.json`);
}

/** Writes a run's file, whole or not at all. */
export function writeRunRecord(directory: string, record: RunRecord): void {
  writeJsonAtomic(runRecordPath(directory, record.id), record);
}

/**
 * Parses a file of an evaluation.
 *
 * @throws {@link CorruptFileError} when it is not JSON, {@link SchemaVersionError} when of another version.
 */
export function readEvaluationFile(path: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new CorruptFileError({
      what: 'cannot be read as JSON',
      where: path,
      remedy: 'delete it and evaluate again',
      cause,
    });
  }
  const version = (value as { schemaVersion?: unknown } | null)?.schemaVersion;
  if (version !== EVALUATION_SCHEMA_VERSION)
    throw new SchemaVersionError({
      what: `schema version ${String(version)}, this version reads ${EVALUATION_SCHEMA_VERSION}`,
      where: path,
      remedy: 'evaluate into another directory, or use the version of the toolkit that wrote it',
    });
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
  const { success, output, issues } = v.safeParse(schema, readEvaluationFile(path), { abortEarly: true });
  if (!success) throw refuse(`${v.getDotPath(issues[0]) ?? 'it'} is not ${issues[0].expected ?? 'consistent'}`, path);
  return output as v.InferOutput<(typeof EVALUATION_SCHEMAS)[K]>;
}

/** Reads a run's file; null when the job is not finished. */
export function readRunRecord(directory: string, id: string): RunRecord | null {
  const path = runRecordPath(directory, id);
  if (!existsSync(path)) return null;
  const record = readContent('record', path);
  if (record.id !== id) throw refuse('its id is not that of its name', path);
  return record;
}
