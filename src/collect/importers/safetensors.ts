// Imports .safetensors: of PyTorch's state dicts mostly, of any named arrays. A checkpoint is one file, or the files that
// a model.safetensors.index.json names.

import { decodeFloats, type FloatType } from '../../formats/floats.js';
import { type InputFile, withInputFile } from '../../formats/inputFile.js';
import { decodeSafetensorsHeader, type SafetensorsEntry, safetensorsHeaderLength } from '../../formats/safetensors.js';
import { checkShard, listShards, readIndex } from '../../formats/weightIndex.js';
import type { CheckpointImporter, ListedTensor } from './importer.js';

const FLOATS: Record<string, FloatType> = { F64: 'f64', F32: 'f32', F16: 'f16', BF16: 'bf16' };
const WHOLE_TYPES = /^(BOOL|[IU]\d+)$/;
const PREFIX_BYTES = 8;
const FORMAT = 'safetensors';
const INDEX_ENDING = /\.safetensors\.index\.json$/i;
const INDEX_FORMAT = 'safetensors index';

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
    type: FLOATS[dtype] ?? (WHOLE_TYPES.test(dtype) ? 'whole' : { unreadable: dtype }),
    read: async () => decodeFloats(await read(begin, end), FLOATS[dtype]),
  };
}

/** The tensors of an open file. */
export function listTensors(file: InputFile): ListedTensor[] {
  return listEntries(file).map((entry) => listedTensor(entry, file.read));
}

/** Lists the files of an index. Each must hold the tensors that the index has in it, and no others. */
async function listIndexed(path: string): Promise<ListedTensor[]> {
  const whole: ListedTensor[] = [];
  for (const shard of await readIndex(path, INDEX_FORMAT)) {
    const entries = await withInputFile(shard.path, FORMAT, listEntries);
    const names = entries.map(({ name }) => name);
    checkShard(shard, names, 'shard of a safetensors', path);
    // Hundreds of files are not held open at a time: each is opened again for a tensor of it.
    const read = (begin: number, end: number) => withInputFile(shard.path, FORMAT, (file) => file.read(begin, end));
    whole.push(...entries.map((entry) => listedTensor(entry, read)));
  }
  return whole;
}

/** `.safetensors`, and `.safetensors.index.json`. */
export const safetensorsImporter: CheckpointImporter = {
  id: 'safetensors',
  describe: '.safetensors, or the index of several',
  ending: /\.safetensors(\.index\.json)?$/i,
  recognizes: ({ name, text }) => text[8] === '{' || INDEX_ENDING.test(name),
  listParts: (path) => (INDEX_ENDING.test(path) ? listShards(path, INDEX_FORMAT) : []),
  layout: 'open',
  open: async (path, take) => {
    if (INDEX_ENDING.test(path)) await take({ tensors: await listIndexed(path) });
    else await withInputFile(path, FORMAT, (file) => take({ tensors: listTensors(file) }));
  },
};
