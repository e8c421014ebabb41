// The format of one file, by its content and its name.

import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { UsageError, WnnError } from '../../errors.js';
import { firstZipEntry } from '../../formats/zip.js';
import type { CheckpointImporter, FileStart } from '../importers/importer.js';

const START_BYTES = 512;
const PICKLE_ENDINGS = /\.(pt|pth|ckpt|bin|pkl|pickle)$/i;

/** The line of Python that makes a safetensors file of a pickle. Paths that a shell might read otherwise become x. */
function conversionOf(path: string): string {
  const source = /^[\w./ @%+=:,~-]+$/.test(path) ? path : 'x.pt';
  const target = `${source.replace(PICKLE_ENDINGS, '')}.safetensors`;
  return (
    `python -c "import torch, safetensors.torch as s; d = torch.load('${source}', map_location='cpu', weights_only=True); ` +
    `s.save_file({k: v.clone().contiguous() for k, v in d.get('state_dict', d).items() if torch.is_tensor(v)}, '${target}')"`
  );
}

/** A pickle was given: a program that its reader would have to run. */
export class PickleError extends WnnError {
  constructor(path: string) {
    super({
      what: 'pickles are never executed',
      where: path,
      remedy: `make a safetensors file of it where you trust it: ${conversionOf(path)}`,
    });
  }
}

/** Whether a file is a pickle by its name. */
export function isPickleName(path: string): boolean {
  return PICKLE_ENDINGS.test(path);
}

/** Every protocol from 2 on opens with its number, behind the byte 0x80; torch.save puts them into zip archives. */
function looksLikePickle({ bytes }: FileStart): boolean {
  if (bytes[0] === 0x80 && bytes[1] >= 2 && bytes[1] <= 5) return true;
  return /\/(data\.pkl|\.format_version)$/.test(firstZipEntry(bytes) ?? '');
}

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

/**
 * The importer of a file: the one that recognizes its content, else the one that its name ends for.
 *
 * @throws {@link UsageError} when there is none; {@link PickleError}.
 */
export function recognize(path: string, importers: readonly CheckpointImporter[]): CheckpointImporter {
  const name = basename(path);
  if (isPickleName(name)) throw new PickleError(path);
  const start = readStart(path);
  if (start !== null && looksLikePickle(start)) throw new PickleError(path);
  const recognizing = start === null ? [] : importers.filter((importer) => importer.recognizes(start));
  const named = (among: readonly CheckpointImporter[]) => among.find(({ ending }) => ending.test(name));
  const importer = named(recognizing) ?? recognizing[0] ?? named(importers);
  if (importer !== undefined) return importer;
  throw new UsageError({
    what: 'not a checkpoint of a known format',
    where: path,
    remedy: `say which with --format ${importers.map(({ id }) => id).join('|')}`,
  });
}
