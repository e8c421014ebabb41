// The format of one file, by its content and its name.

import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import type { WnnError } from '../../errors.js';
import type { CheckpointImporter, FileStart } from '../importers/importer.js';
import { REFUSED_FORMATS } from '../importers/refused.js';

const START_BYTES = 512;

/** The first bytes of a file; null when it is none, or not readable: opening it later will say why. */
function readStart(path: string): FileStart | null {
  let descriptor: number | undefined;
  try {
    if (!statSync(path).isFile()) return null;
    descriptor = openSync(path, 'r');
    const buffer = Buffer.alloc(START_BYTES);
    const bytes = buffer.subarray(0, readSync(descriptor, buffer));
    return { name: basename(path), bytes, text: bytes.toString('latin1') };
  } catch {
    return null;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** Whether files of such a name may be of a format. */
export function mayBe({ ending, sharedEnding }: CheckpointImporter, name: string): boolean {
  return ending.test(name) || sharedEnding?.test(name) === true;
}

/** What a file is: its importer, why it is not read, or nothing that is known. */
export type Recognized = { importer: CheckpointImporter } | { refusal: WnnError } | null;

/**
 * Recognizes a file: by the importer that knows its content, of several by the one that it is named for; else by its name
 * alone where that tells the format.
 */
export function recognize(path: string, importers: readonly CheckpointImporter[]): Recognized {
  const name = basename(path);
  const start = readStart(path);
  const recognizing = start === null ? [] : importers.filter((importer) => importer.recognizes(start));
  const byContent = recognizing.find((importer) => mayBe(importer, name)) ?? recognizing[0];
  if (byContent !== undefined) return { importer: byContent };
  const refused = REFUSED_FORMATS.find((format) => start !== null && format.recognizes(start));
  if (refused !== undefined) return { refusal: refused.refusal(path) };
  const importer = importers.find(({ ending }) => ending.test(name));
  return importer === undefined ? null : { importer };
}
