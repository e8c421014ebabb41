// One finished training of an evaluation: what is stored of it, and its file. Everything that the summary and the report
// show comes from these files, so both can be made again.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeJsonAtomic } from '../atomic.js';
import type { Nowcast } from '../callback/index.js';
import type { EngineRequest } from '../engine/engine.js';
import { CorruptFileError, SchemaVersionError } from '../errors.js';
import type { OptimiserInfo } from '../trajectory/schema.js';
import type { Method } from './methods.js';

/** Version of the files of an evaluation; checked by every reader. */
export const EVALUATION_SCHEMA_VERSION = 1;

/** What is trained, and by which method. The same settings give the same id wherever and whenever. */
export interface EvaluationJob {
  /** Unique, made from all that follows; letters, digits, `.`, `_`, `-`. */
  id: string;
  /** Image set and architecture, e.g. `mnist/cnn`. */
  task: string;
  seed: number;
  method: Method;
  epochs: number;
  batchSize: number;
  optimiser: OptimiserInfo;
  /** Training and validation examples, drawn by the task's own seed; null: all. */
  trainExamples: number | null;
  validationExamples: number | null;
  /** Whether nowcasts that raise the loss on a training batch are undone. */
  guard: boolean;
  /** Compute engine that was asked for. */
  engine: EngineRequest;
}

/** A finished training. Figures that were not finite are null. */
export interface RunRecord extends EvaluationJob {
  schemaVersion: typeof EVALUATION_SCHEMA_VERSION;
  toolkitVersion: string;
  /** Compute engine that trained, for people: `wasm (SIMD, 1 thread)`. */
  engineDescription: string;
  /** `diverged`: loss or weights became NaN or infinite, and training ended there. */
  status: 'complete' | 'diverged';
  /** loss, acc, val_loss, val_acc; one value an epoch. */
  metrics: Record<string, (number | null)[]>;
  /** Wall-clock seconds from the start of training to the end of each epoch, nowcasting and validation included. */
  seconds: number[];
  /** Nowcasts in order; none for plain. */
  nowcasts: Nowcast[];
}

/** Where the file of a job is. */
export function runRecordPath(directory: string, id: string): string {
  return join(directory, 'runs', `${id}.json`);
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

/** Reads a run's file; null when the job is not finished. */
export function readRunRecord(directory: string, id: string): RunRecord | null {
  const path = runRecordPath(directory, id);
  if (!existsSync(path)) return null;
  const record = readEvaluationFile(path);
  if (record.id !== id || typeof record.metrics !== 'object' || !Array.isArray(record.seconds))
    throw new CorruptFileError({
      what: 'not the run that its name says',
      where: path,
      remedy: 'delete it and evaluate again',
    });
  return record as unknown as RunRecord;
}
