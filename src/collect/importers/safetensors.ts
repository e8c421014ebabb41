// Imports .safetensors: of PyTorch's state dicts mostly, of any named arrays. A checkpoint is one file, or the files that
// a model.safetensors.index.json names.

import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { corruptFile } from '../../formats/corruptFile.js';
import { decodeFloats, type FloatType } from '../../formats/floats.js';
import { type InputFile, withInputFile } from '../../formats/inputFile.js';
import { decodeSafetensorsHeader, type SafetensorsEntry, safetensorsHeaderLength } from '../../formats/safetensors.js';
import { INDEX_ENDING, INDEX_FORMAT, listShards, readIndex, type Shard } from '../../formats/safetensorsIndex.js';
import type { CheckpointImporter, ListedTensor } from './importer.js';

const FLOATS: Record<string, FloatType> = { F64: 'f64', F32: 'f32', F16: 'f16', BF16: 'bf16' };
const PREFIX_BYTES = 8;

function listEntries({ path, bytes, read }: InputFile): SafetensorsEntry[] {
  const length = safetensorsHeaderLength(read(0, Math.min(PREFIX_BYTES, bytes)), bytes, path);
  return decodeSafetensorsHeader(read(0, length), bytes, path).entries;
}

/** @param read the bytes [begin, end) of the entry's file. */
function listedTensor(
  { name, dtype, shape, begin, end }: SafetensorsEntry,
  read: (begin: number, end: number) => Uint8Array | Promise<Uint8Array>,
): ListedTensor {
  return {
    name,
    shape,
    type: FLOATS[dtype] ?? 'whole',
    read: async () => decodeFloats(await read(begin, end), FLOATS[dtype]),
  };
}

/** Lists the files of an index. Each must hold the tensors that the index has in it, and no others. */
async function listIndexed(path: string): Promise<ListedTensor[]> {
  const shards = await readIndex(path);
  const missing = shards.filter((shard) => !existsSync(shard.path));
  if (missing.length > 0) {
    const names = missing.slice(0, 3).map((shard) => basename(shard.path));
    const others = missing.length > 3 ? ` and ${missing.length - 3} others` : '';
    const verb = missing.length > 1 ? 'are' : 'is';
    throw corruptFile(
      path,
      INDEX_FORMAT,
      `of its ${shards.length} files ${names.join(', ')}${others} ${verb} not beside it`,
    );
  }
  const whole: ListedTensor[] = [];
  for (const shard of shards) {
    const entries = await withInputFile(shard.path, 'safetensors', listEntries);
    checkNames(
      entries.map(({ name }) => name),
      shard,
      path,
    );
    // Hundreds of files are not held open at a time: each is opened again for a tensor of it.
    const read = (begin: number, end: number) =>
      withInputFile(shard.path, 'safetensors', (file) => file.read(begin, end));
    whole.push(...entries.map((entry) => listedTensor(entry, read)));
  }
  return whole;
}

function checkNames(names: readonly string[], shard: Shard, indexPath: string): void {
  const there = new Set(names);
  const lacking = [...shard.names].find((name) => !there.has(name));
  const extra = names.find((name) => !shard.names.has(name));
  if (lacking === undefined && extra === undefined) return;
  const problem =
    lacking === undefined
      ? `${extra} stands in it, but ${indexPath} does not have it there`
      : `${lacking} is missing, which ${indexPath} has in it`;
  throw corruptFile(shard.path, 'shard of a safetensors', problem);
}

/** `.safetensors`, and `.safetensors.index.json`. */
export const safetensorsImporter: CheckpointImporter = {
  id: 'safetensors',
  describe: '.safetensors, or the index of several',
  ending: /\.safetensors(\.index\.json)?$/i,
  recognizes: ({ name, text }) => text[8] === '{' || INDEX_ENDING.test(name),
  listParts: (path) => (INDEX_ENDING.test(path) ? listShards(path) : []),
  layout: 'open',
  open: async (path, take) => {
    if (INDEX_ENDING.test(path)) await take({ tensors: await listIndexed(path) });
    else
      await withInputFile(path, 'safetensors', (file) =>
        take({ tensors: listEntries(file).map((entry) => listedTensor(entry, file.read)) }),
      );
  },
};
