// Reads chosen scalars of a run's tensors, epoch by epoch, without decoding the others: for work that looks at a few of
// very many. Pages are decompressed and only the bytes of the chosen values are picked. Whatever the page reader does
// not know (logs, foreign layouts, damage) is left to readSnapshots, which gives the same values or the right error.
// Each file is read once, so its checksum is known only at its end: epochs that came before an error are void.

import { closeSync, fstatSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { countValues, readManifestFile } from './manifest.js';
import {
  extentOf,
  type PageValues,
  type RowGroup,
  readBytes,
  readFooter,
  readPages,
  UnknownLayoutError,
} from './parquetPages.js';
import type { RunManifest, TensorSpec, WeightsFile } from './schema.js';
import { type Decompress, openDecompressor } from './zstd.js';

/** Scalars of one tensor. */
export interface ScalarChoice {
  tensor: string;
  /** Ascending positions within the tensor, row-major; null for all of it. */
  indices: Uint32Array | null;
}

/** The chosen scalars at the end of one epoch. */
export interface ScalarSnapshot {
  epoch: number;
  /** Choice after choice, in the order in which they were given. */
  values: Float32Array;
}

/**
 * The chosen scalars of a run, epoch by epoch.
 *
 * @param choices in the order of the manifest's tensors.
 * @param firstEpoch epochs before this one are left out. Default: none.
 * @throws the errors of `readSnapshots`.
 */
export async function* readScalars(
  runDirectory: string,
  choices: readonly ScalarChoice[],
  { firstEpoch = 0 }: { firstEpoch?: number } = {},
): AsyncGenerator<ScalarSnapshot> {
  const manifest = readManifestFile(runDirectory);
  let next = firstEpoch;
  let whole = false;
  try {
    if (isPlain(manifest)) {
      let epochs = 0;
      const decompress = await openDecompressor();
      for (const file of manifest.files)
        for (const snapshot of readFile(join(runDirectory, file.name), file, manifest.tensors, choices, decompress)) {
          epochs++;
          if (snapshot.epoch < next) continue;
          next = snapshot.epoch + 1;
          yield snapshot;
        }
      whole = epochs === manifest.snapshotsRecorded;
    }
  } catch (error) {
    // Damage, a layout that is not known, or the system's error: the generic way tells which, or gets through.
    const expected = error instanceof RangeError || error instanceof UnknownLayoutError;
    if (!expected && (error as NodeJS.ErrnoException).code === undefined) throw error;
  }
  if (!whole) yield* readFromSnapshots(runDirectory, choices, next);
}

/** Whether the run is in finished files, without tensors that have no values. */
function isPlain({ status, files, tensors }: RunManifest): boolean {
  return (
    (status === 'complete' || status === 'diverged') &&
    files.length > 0 &&
    tensors.every(({ shape }) => countValues(shape) > 0)
  );
}

/** The generic way. parquet-wasm is loaded only here. */
async function* readFromSnapshots(
  runDirectory: string,
  choices: readonly ScalarChoice[],
  firstEpoch: number,
): AsyncGenerator<ScalarSnapshot> {
  const { readSnapshots } = await import('./runReader.js');
  const tensors = choices.map(({ tensor }) => tensor);
  for await (const { epoch, values } of readSnapshots(runDirectory, {
    ...(firstEpoch > 0 && { firstEpoch }),
    tensors,
  })) {
    const length = choices.reduce((sum, { indices }, i) => sum + (indices ?? values[i]).length, 0);
    const chosen = new Float32Array(length);
    let at = 0;
    for (const [i, { indices }] of choices.entries()) {
      if (indices === null) chosen.set(values[i], at);
      else for (let k = 0; k < indices.length; k++) chosen[at + k] = values[i][indices[k]];
      at += (indices ?? values[i]).length;
    }
    yield { epoch, values: chosen };
  }
}

/** Where the chosen scalars of a snapshot stand in a file, for one order of its rows. */
interface Places {
  /** Names of the tensors, row after row. */
  order: string[];
  /** Values of a whole snapshot. */
  size: number;
  /** Ascending positions of the chosen scalars among them. */
  positions: Float64Array;
  /** Where each of them goes among the values that are given out. */
  targets: Uint32Array;
}

function findPlaces(order: string[], tensors: readonly TensorSpec[], choices: readonly ScalarChoice[]): Places {
  const sizes = new Map(tensors.map(({ name, shape }) => [name, countValues(shape)]));
  if (order.length !== sizes.size || new Set(order).size !== sizes.size) throw new RangeError('a tensor is missing');
  const counts = choices.map(({ tensor, indices }) => indices?.length ?? sizes.get(tensor) ?? 0);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const places: Places = { order, size: 0, positions: new Float64Array(total), targets: new Uint32Array(total) };
  let at = 0;
  for (const name of order) {
    const size = sizes.get(name);
    if (size === undefined) throw new RangeError(`tensor ${name} is not in the manifest`);
    const choice = choices.findIndex(({ tensor }) => tensor === name);
    if (choice >= 0) {
      const { indices } = choices[choice];
      let target = counts.slice(0, choice).reduce((sum, count) => sum + count, 0);
      for (let i = 0; i < counts[choice]; i++, at++) {
        places.positions[at] = places.size + (indices === null ? i : indices[i]);
        places.targets[at] = target++;
      }
    }
    places.size += size;
  }
  if (at !== total) throw new RangeError('a chosen tensor is not there');
  return places;
}

/** The chosen scalars of each epoch of one weight file. Throws RangeError or UnknownLayoutError. */
function* readFile(
  path: string,
  { bytes, crc32: expected }: WeightsFile,
  tensors: readonly TensorSpec[],
  choices: readonly ScalarChoice[],
  decompress: Decompress,
): Generator<ScalarSnapshot> {
  const descriptor = openSync(path, 'r');
  let places: Places | undefined;
  try {
    const { size } = fstatSync(descriptor);
    if (size !== bytes) throw new RangeError('another length than was written');
    const file = new CheckedFile(descriptor);
    for (const group of readFooter(descriptor, size)) {
      const loaded: LoadedGroup = { ...group, ...file.load(extentOf(group)) };
      const { epochs, order } = readRows(loaded, tensors.length, decompress);
      if (order.join('\n') !== places?.order.join('\n')) places = findPlaces(order, tensors, choices);
      const values = readChosen(loaded, epochs.length, places, decompress);
      const count = places.positions.length;
      for (const [i, epoch] of epochs.entries()) yield { epoch, values: values.subarray(i * count, (i + 1) * count) };
    }
    if (file.finish(size) !== expected) throw new RangeError('wrong checksum');
  } finally {
    closeSync(descriptor);
  }
}

/** A row group with its bytes. */
interface LoadedGroup extends RowGroup {
  file: Uint8Array;
  start: number;
}

/** Loads parts of a file in their order, and works out the checksum of all of it on the way. */
class CheckedFile {
  readonly #descriptor: number;
  #buffer = new Uint8Array(0);
  #offset = 0;
  #sum = 0;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  /** A part of the file; it is overwritten by the next one. */
  load({ start, end }: { start: number; end: number }): { file: Uint8Array; start: number } {
    if (start < this.#offset || end < start) throw new UnknownLayoutError('row groups out of order');
    this.#read(start);
    return { file: this.#read(end), start };
  }

  /** The checksum of the whole file. */
  finish(size: number): number {
    this.#read(size);
    return this.#sum;
  }

  #read(end: number): Uint8Array {
    const length = end - this.#offset;
    if (this.#buffer.length < length) this.#buffer = new Uint8Array(Math.ceil(1.25 * length));
    const bytes = readBytes(this.#descriptor, this.#offset, this.#buffer.subarray(0, length));
    this.#sum = crc32(bytes, this.#sum);
    this.#offset = end;
    return bytes;
  }
}

function columnOf({ columns }: RowGroup, path: string) {
  const column = columns.find((chunk) => chunk.path === path);
  if (column === undefined) throw new RangeError(`no column ${path}`);
  return column;
}

/** The epochs of a row group, and the tensors of each epoch's rows, after making sure that all have the same ones. */
function readRows(group: LoadedGroup, tensors: number, decompress: Decompress): { epochs: number[]; order: string[] } {
  const numbers = readWords(group, 'epoch', decompress);
  const names: string[] = [];
  readPages(group.file, group.start, columnOf(group, 'tensor'), decompress, (page, count) => {
    if (page.encoding === 'split') throw new RangeError('texts are not split');
    const texts = splitTexts(page.encoding === 'plain' ? page.bytes : page.dictionary);
    for (let i = 0; i < count; i++) names.push(texts[page.encoding === 'plain' ? i : page.indices[i]]);
  });
  if (names.length !== group.rows || group.rows % tensors !== 0) throw new RangeError('not whole epochs');
  for (let row = 0; row < group.rows; row++)
    if (numbers[row] !== numbers[row - (row % tensors)] || names[row] !== names[row % tensors])
      throw new RangeError('not whole epochs');
  return {
    epochs: Array.from({ length: group.rows / tensors }, (_, i) => numbers[i * tensors]),
    order: names.slice(0, tensors),
  };
}

/** Texts, each behind its length in bytes. */
function splitTexts(bytes: Uint8Array): string[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const texts: string[] = [];
  for (let offset = 0; offset < buffer.length; ) {
    const end = offset + 4 + buffer.readUInt32LE(offset);
    texts.push(buffer.toString('utf8', offset + 4, end));
    offset = end;
  }
  return texts;
}

/** All values of a column of four bytes each. */
function readWords(group: LoadedGroup, path: string, decompress: Decompress): Int32Array {
  const words = new Int32Array(group.rows);
  const all = Float64Array.from(words, (_, i) => i);
  const targets = Uint32Array.from(words, (_, i) => i);
  let at = 0;
  readPages(group.file, group.start, columnOf(group, path), decompress, (page, count) => {
    if (at + count > words.length) throw new RangeError(`column ${path} is too long`);
    pickWords(page, count, all, at, at + count, at, words, targets, 0);
    at += count;
  });
  if (at !== words.length) throw new RangeError(`column ${path} ends early`);
  return words;
}

/** The chosen values of all epochs of a row group: [epochs, chosen]. */
function readChosen(
  group: LoadedGroup,
  epochs: number,
  { size, positions, targets }: Places,
  decompress: Decompress,
): Float32Array {
  const column = columnOf(group, 'values.list.element');
  if (column.values !== epochs * size) throw new RangeError('column values is of another size');
  const words = new Int32Array(epochs * positions.length);
  let at = 0;
  readPages(group.file, group.start, column, decompress, (page, count) => {
    const end = at + count;
    for (let epoch = Math.floor(at / size); epoch * size < end; epoch++) {
      const base = epoch * size;
      const from = firstAtLeast(positions, at - base);
      const to = firstAtLeast(positions, end - base);
      pickWords(page, count, positions, from, to, at - base, words, targets, epoch * positions.length);
    }
    at = end;
  });
  if (at !== epochs * size) throw new RangeError('column values ends early');
  return new Float32Array(words.buffer);
}

/** Position of the first of ascending numbers that is not below `limit`. */
function firstAtLeast(numbers: Float64Array, limit: number): number {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (numbers[middle] < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Copies values of four bytes out of a page.
 *
 * @param positions those `from` to `to` (not included) are taken; `first` is the position of the page's first value.
 * @param targets value k goes to `into[base + targets[k]]`.
 */
function pickWords(
  page: PageValues,
  count: number,
  positions: Float64Array,
  from: number,
  to: number,
  first: number,
  into: Int32Array,
  targets: Uint32Array,
  base: number,
): void {
  if (page.encoding === 'dictionary') {
    const { dictionary, indices } = page;
    const view = new DataView(dictionary.buffer, dictionary.byteOffset, dictionary.length);
    for (let k = from; k < to; k++) into[base + targets[k]] = view.getInt32(4 * indices[positions[k] - first], true);
    return;
  }
  const { bytes } = page;
  if (bytes.length < 4 * count) throw new RangeError('page ends early');
  const apart = page.encoding === 'split' ? 1 : 4;
  const step = page.encoding === 'split' ? count : 1;
  for (let k = from; k < to; k++) {
    const i = (positions[k] - first) * apart;
    into[base + targets[k]] =
      bytes[i] | (bytes[i + step] << 8) | (bytes[i + 2 * step] << 16) | (bytes[i + 3 * step] << 24);
  }
}
