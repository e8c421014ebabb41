// Reading JSON that may be damaged or hostile: a limit on size and on depth, and one clear line for whatever is wrong. The
// types of its fields are jsonSchema.ts's.

import { readFileSync, statSync } from 'node:fs';
import { CorruptFileError, MissingFileError, SchemaVersionError } from '../errors.js';
import { JsonProblem, parseJson, quoteValue } from './parseJson.js';

/** Bytes of a JSON file, at most. */
export const LARGEST_JSON = 2 ** 28;

/** What to say of a file that cannot be read. */
export interface JsonFileOptions {
  /** What the user can do about a damaged file. */
  remedy: string;
  /** What to say when there is no such file. */
  missing: { what: string; remedy: string };
}

/**
 * Reads a JSON file.
 *
 * @throws {@link MissingFileError} when it cannot be opened, {@link CorruptFileError} when it is too large, not UTF-8, not
 *   JSON, or nested deeper than anything that this toolkit writes.
 */
export function readJsonFile(path: string, { missing, remedy }: JsonFileOptions): unknown {
  let bytes: Uint8Array;
  try {
    const { size } = statSync(path);
    if (size > LARGEST_JSON)
      throw new CorruptFileError({
        what: `JSON of ${size} bytes, at most ${LARGEST_JSON} are read`,
        where: path,
        remedy,
      });
    bytes = readFileSync(path);
  } catch (cause) {
    if (cause instanceof CorruptFileError) throw cause;
    const { code } = cause as NodeJS.ErrnoException;
    const absent = code === 'ENOENT' || code === 'ENOTDIR';
    throw new MissingFileError({
      what: absent ? missing.what : `cannot read (${code})`,
      where: path,
      remedy: missing.remedy,
      cause,
    });
  }
  return parseJsonOf(bytes, path, remedy);
}

/**
 * Parses JSON of a file.
 *
 * @param where what to call the file in errors.
 * @throws {@link CorruptFileError}
 */
export function parseJsonOf(json: Uint8Array | string, where: string, remedy: string): unknown {
  try {
    return parseJson(json);
  } catch (cause) {
    if (!(cause instanceof JsonProblem)) throw cause;
    throw new CorruptFileError({ what: cause.message, where, remedy, cause });
  }
}

/**
 * Refuses a file of another schema version.
 *
 * @throws {@link CorruptFileError} when the value is not an object, {@link SchemaVersionError}.
 */
export function requireVersion(value: unknown, version: number, where: string, remedy: string): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new CorruptFileError({ what: 'not a JSON object', where, remedy });
  const found = (value as { schemaVersion?: unknown }).schemaVersion;
  if (found !== version)
    throw new SchemaVersionError({
      what: `schema version ${quoteValue(found)}, this version reads ${version}`,
      where,
      remedy,
    });
}
