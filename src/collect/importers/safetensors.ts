// Imports .safetensors: of PyTorch's state dicts mostly, of any named arrays. A checkpoint is one file, or the files that
// a model.safetensors.index.json names.

import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { decodeSafetensorsHeader, float32OfTensor, safetensorsHeaderLength } from '../../formats/safetensors.js';
import { tensorKind } from '../../trajectory/kind.js';
import {
  type Checkpoint,
  type CheckpointReader,
  type CheckpointTensor,
  corruptCheckpoint,
  isOptimizerName,
} from './checkpoint.js';
import { withInputFile } from './inputFile.js';
import { INDEX_ENDING, INDEX_FORMAT, MAX_INDEX_BYTES, parseIndex, type Shard } from './safetensorsIndex.js';
import { toKerasLayout } from './torchLayout.js';

const FLOATS = new Set(['F64', 'F32', 'F16', 'BF16']);
const PREFIX_BYTES = 8;

/** Reads one tensor after the other, so that no more than the values of the checkpoint are in memory. */
export const readSafetensorsCheckpoint: CheckpointReader = async function* (path, { layout }) {
  const { tensors, leftOut } = INDEX_ENDING.test(path) ? await readShards(path) : await readFile(path);
  yield { tensors: toKerasLayout(tensors, layout), leftOut };
};

/** @param check is given the names of all arrays of the file before any is read. */
function readFile(path: string, check: (names: string[]) => void = () => {}): Promise<Checkpoint> {
  return withInputFile(path, 'safetensors', ({ bytes, read }) => {
    const length = safetensorsHeaderLength(read(0, Math.min(PREFIX_BYTES, bytes)), bytes, path);
    const { entries } = decodeSafetensorsHeader(read(0, length), bytes, path);
    check(entries.map(({ name }) => name));
    const leftOut = { optimizer: 0, notFloat: 0 };
    const tensors: CheckpointTensor[] = [];
    for (const { name, dtype, shape, begin, end } of entries) {
      if (isOptimizerName(name)) leftOut.optimizer++;
      else if (!FLOATS.has(dtype)) leftOut.notFloat++;
      else {
        const values = float32OfTensor({ dtype, shape, data: read(begin, end) });
        tensors.push({ name, kind: tensorKind(name, shape), shape: [...shape], values });
      }
    }
    return { tensors, leftOut };
  });
}

/** Joins the files of an index. Each must hold the tensors that the index has in it, and no others. */
async function readShards(path: string): Promise<Checkpoint> {
  const text = await withInputFile(path, INDEX_FORMAT, ({ bytes, read }) => {
    if (bytes > MAX_INDEX_BYTES) throw corruptCheckpoint(path, INDEX_FORMAT, `${bytes} bytes are too many for one`);
    return new TextDecoder().decode(read(0, bytes));
  });
  const shards = parseIndex(text, path);
  const missing = shards.filter((shard) => !existsSync(shard.path));
  if (missing.length > 0) {
    const names = missing.slice(0, 3).map((shard) => basename(shard.path));
    const others = missing.length > 3 ? ` and ${missing.length - 3} others` : '';
    const verb = missing.length > 1 ? 'are' : 'is';
    throw corruptCheckpoint(
      path,
      INDEX_FORMAT,
      `of its ${shards.length} files ${names.join(', ')}${others} ${verb} not beside it`,
    );
  }
  const whole: Checkpoint = { tensors: [], leftOut: { optimizer: 0, notFloat: 0 } };
  for (const shard of shards) {
    const { tensors, leftOut } = await readFile(shard.path, (names) => checkNames(names, shard, path));
    whole.tensors.push(...tensors);
    whole.leftOut.optimizer += leftOut.optimizer;
    whole.leftOut.notFloat += leftOut.notFloat;
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
  throw corruptCheckpoint(shard.path, 'shard of a safetensors', problem);
}
