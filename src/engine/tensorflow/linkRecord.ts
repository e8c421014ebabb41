// The location and the record of the link to a Python's TensorFlow.

import { existsSync, readFileSync, statSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { EngineUnavailableError, SchemaVersionError } from '../../errors.js';
import { parseJson } from '../../formats/parseJson.js';

/** Version of {@link LinkRecord}. */
export const LINK_SCHEMA_VERSION = 1;

/** A device that TensorFlow computes on. */
export interface TensorflowDevice {
  /** `CPU` or `GPU`. */
  type: string;
  /** For a GPU its product name, otherwise TensorFlow's name for it. */
  name: string;
}

/** `link.json`: what the binding was compiled against. */
export interface LinkRecord {
  schemaVersion: typeof LINK_SCHEMA_VERSION;
  /** Version of tfjs-node, which is that of tfjs-core. */
  tfjs: string;
  tensorflow: string;
  /** The Python whose TensorFlow it is. */
  python: string;
  /** TensorFlow's library. */
  library: string;
  /** Its size in bytes and modification time, to detect a later installation. */
  librarySize: number;
  libraryChanged: number;
  devices: TensorflowDevice[];
}

/** Folder of the link: `$XDG_CACHE_HOME/weight-nowcaster/tensorflow`, by default under `~/.cache`. */
export function linkDirectory(): string {
  return join(process.env.XDG_CACHE_HOME || join(os.homedir(), '.cache'), 'weight-nowcaster', 'tensorflow');
}

const RELINK = 'run `wnn engine link-tensorflow` again, or `wnn engine link-tensorflow --remove`';

/**
 * The record of the link, or `undefined` when there is none.
 *
 * @throws SchemaVersionError if another version of the toolkit wrote it.
 * @throws EngineUnavailableError if it cannot be read.
 */
export function readLinkRecord(directory = linkDirectory()): LinkRecord | undefined {
  const file = join(directory, 'link.json');
  if (!existsSync(file)) return undefined;
  let record: Partial<LinkRecord>;
  try {
    record = parseJson(readFileSync(file, 'utf8')) as Partial<LinkRecord>;
  } catch (cause) {
    throw new EngineUnavailableError({ what: 'unreadable link to TensorFlow', where: file, remedy: RELINK, cause });
  }
  if (record.schemaVersion !== LINK_SCHEMA_VERSION) {
    throw new SchemaVersionError({
      what: `schema version ${record.schemaVersion}, this toolkit reads ${LINK_SCHEMA_VERSION}`,
      where: file,
      remedy: RELINK,
    });
  }
  return record as LinkRecord;
}

/** Size and modification time of a library, as in {@link LinkRecord}. */
export function fingerprintLibrary(library: string): Pick<LinkRecord, 'librarySize' | 'libraryChanged'> {
  const { size, mtimeMs } = statSync(library);
  return { librarySize: size, libraryChanged: Math.round(mtimeMs) };
}

/**
 * Checks that the linked library is still the one that the binding was compiled against.
 *
 * @throws EngineUnavailableError if it is missing or was replaced, or the toolkit's tfjs version changed.
 */
export function checkLink(record: LinkRecord, tfjs: string): void {
  const fail = (what: string, where: string): never => {
    throw new EngineUnavailableError({ what, where, remedy: RELINK });
  };
  if (record.tfjs !== tfjs)
    fail(`linked for TensorFlow.js ${record.tfjs}, the toolkit now has ${tfjs}`, linkDirectory());
  if (!existsSync(record.library)) fail(`linked TensorFlow ${record.tensorflow} is gone`, record.library);
  const { librarySize, libraryChanged } = fingerprintLibrary(record.library);
  if (librarySize !== record.librarySize || libraryChanged !== record.libraryChanged) {
    fail(`another TensorFlow was installed since ${record.tensorflow} was linked`, record.library);
  }
}
