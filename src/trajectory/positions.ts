// positions.arrow: which scalars of its larger tensors a sampled run records. The snapshots hold their values in this order.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import * as arrow from 'apache-arrow';
import { writeFileAtomic } from '../atomic.js';
import { CorruptFileError } from '../errors.js';
import { type Positions, positionsProblem } from './sampling.js';
import type { FileChecksum, RunManifest } from './schema.js';

/** Name of the file in a run's directory. */
export const POSITIONS_FILE = 'positions.arrow';

/** Writes the file whole. @throws WriteError */
export function writePositions(directory: string, positions: Positions): FileChecksum {
  const list = new arrow.List(new arrow.Field('element', new arrow.Uint32(), false));
  const table = new arrow.Table({
    tensor: arrow.vectorFromArray([...positions.keys()], new arrow.Utf8()),
    positions: arrow.makeVector(listOf(list, [...positions.values()])),
  });
  const bytes = arrow.tableToIPC(table, 'file');
  writeFileAtomic(join(directory, POSITIONS_FILE), bytes);
  return { bytes: bytes.length, crc32: crc32(bytes) };
}

function listOf(type: arrow.List<arrow.Uint32>, rows: readonly Uint32Array[]): arrow.Data<arrow.List<arrow.Uint32>> {
  const valueOffsets = new Int32Array(rows.length + 1);
  for (const [i, row] of rows.entries()) valueOffsets[i + 1] = valueOffsets[i] + row.length;
  const data = new Uint32Array(valueOffsets[rows.length]);
  for (const [i, row] of rows.entries()) data.set(row, valueOffsets[i]);
  const child = arrow.makeData({ type: new arrow.Uint32(), data });
  return arrow.makeData({ type, length: rows.length, nullCount: 0, valueOffsets, child });
}

/**
 * The recorded scalars of a run's sampled tensors; none for a run that records whole tensors.
 *
 * @throws {@link CorruptFileError} when the file is missing or damaged, or does not fit the tensors of the manifest.
 */
export function readPositions(directory: string, { tensors, positions: written }: RunManifest): Positions {
  if (written === undefined) return new Map();
  const path = join(directory, POSITIONS_FILE);
  const corrupt = (why: string, cause?: unknown) =>
    new CorruptFileError({ what: `damaged positions (${why})`, where: path, remedy: 'record the run again', cause });
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    throw corrupt('the file is missing or unreadable', cause);
  }
  // Compared first: the decoder does not survive all damage.
  if (bytes.length !== written.bytes || crc32(bytes) !== written.crc32) throw corrupt('wrong checksum');
  const found = new Map<string, Uint32Array>();
  try {
    const table = arrow.tableFromIPC(bytes);
    const lists = table.getChild('positions') as arrow.Vector<arrow.List<arrow.Uint32>>;
    for (const [i, name] of [...(table.getChild('tensor') as arrow.Vector<arrow.Utf8>)].entries())
      found.set(name as string, (lists.get(i) as arrow.Vector<arrow.Uint32>).toArray());
  } catch (cause) {
    throw corrupt('no table of tensors and positions', cause);
  }
  for (const { name, shape, sampledFrom } of tensors) {
    const problem = sampledFrom === undefined ? null : positionsProblem(found.get(name) ?? [], sampledFrom, shape[0]);
    if (problem !== null) throw corrupt(`${name}: ${problem}`);
  }
  return found;
}
