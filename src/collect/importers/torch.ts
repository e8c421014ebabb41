// Imports what torch.save wrote: .pt, .pth, .ckpt and .bin, each a zip archive, or the several files of an index. The
// pickle in them is read as data (src/formats/pickle.ts): nothing of it is executed.

import { UsageError } from '../../errors.js';
import { corruptFile } from '../../formats/corruptFile.js';
import { maxContentBytes } from '../../formats/expansion.js';
import { isFloatType } from '../../formats/floats.js';
import { TORCH_FORMAT, withTorchArchive } from '../../formats/torchArchive.js';
import { checkShard, listShards, readIndex } from '../../formats/weightIndex.js';
import { firstZipEntry } from '../../formats/zip.js';
import { printableName } from '../../printable.js';
import type { CheckpointImporter, ListedCheckpoint, ListedTensor, OpenOptions } from './importer.js';
import { chooseDictionary, type Dictionary, findDictionaries, holdsValues } from './torchDictionaries.js';

const INDEX_ENDING = /\.bin\.index\.json$/i;
const INDEX_FORMAT = 'PyTorch index';

/** The first entry of torch.save's archives, and of TorchScript's. */
const isArchive = (bytes: Uint8Array) =>
  /(^|\/)(data\.pkl|\.format_version|\.data\/|version|byteorder|code\/|constants\.pkl|data\/)/.test(
    firstZipEntry(bytes) ?? '',
  );

function selectDictionary(path: string, all: Dictionary[], { key, keyOf }: OpenOptions): Dictionary | undefined {
  if (key === undefined) return chooseDictionary(all);
  const chosen = all.find((dictionary) => dictionary.key === key);
  if (chosen !== undefined) return chosen;
  const keys = all.filter(holdsValues).map((dictionary) => dictionary.key || "'' (the top)");
  throw new UsageError({
    what: `no dictionary of tensors ${printableName(key)}${keyOf === undefined ? '' : `, which ${keyOf} has`}`,
    where: path,
    remedy: keys.length > 0 ? printableName(`choose with --key from ${keys.join(', ')}`) : 'it holds none at all',
  });
}

function openArchive(
  path: string,
  options: OpenOptions,
  take: (checkpoint: ListedCheckpoint) => Promise<void>,
): Promise<void> {
  return withTorchArchive(path, async ({ bytes, root, read }) => {
    const { all, optimizerTensors } = findDictionaries(root);
    const chosen = selectDictionary(path, all, options);
    const others = all.filter((dictionary) => dictionary !== chosen);
    const tensors = (chosen?.tensors ?? []).map(
      (tensor): ListedTensor => ({
        name: tensor.name,
        shape: tensor.shape,
        type: tensor.type,
        layerClass: tensor.layerClass,
        isOptimizer: false,
        read: () => read(tensor),
      }),
    );
    const total = tensors.reduce(
      (sum, { shape, type }) =>
        sum + (typeof type === 'string' && isFloatType(type) ? 4 * shape.reduce((a, b) => a * b, 1) : 0),
      0,
    );
    // Expanded tensors claim more than they have bytes.
    if (!(total <= maxContentBytes(bytes)))
      throw corruptFile(path, TORCH_FORMAT, `its tensors should have ${total} bytes, the file has ${bytes}`);
    await take({
      tensors,
      optimizerArrays: optimizerTensors,
      otherArrays: others.reduce((sum, other) => sum + other.tensors.filter(({ type }) => type !== 'whole').length, 0),
      dictionary: chosen && { key: chosen.key, others: others.filter(holdsValues).map((other) => other.key) },
    });
  });
}

/** Lists all files of an index while all are open. */
async function openIndexed(path: string, take: (checkpoint: ListedCheckpoint) => Promise<void>): Promise<void> {
  const shards = await readIndex(path, INDEX_FORMAT);
  const whole: ListedTensor[] = [];
  const openNext = async (i: number): Promise<void> => {
    if (i === shards.length) return take({ tensors: whole });
    return openArchive(shards[i].path, {}, async ({ tensors }) => {
      const names = tensors.map(({ name }) => name);
      checkShard(shards[i], names, TORCH_FORMAT, path);
      whole.push(...tensors);
      await openNext(i + 1);
    });
  };
  await openNext(0);
}

/** `.pt`, `.pth`, `.ckpt` and `.bin` of PyTorch. */
export const torchImporter: CheckpointImporter = {
  id: 'torch',
  describe: '.pt, .pth, .ckpt and .bin of PyTorch',
  ending: /\.(pt|pth)(\.tar)?$/i,
  sharedEnding: /\.(ckpt|bin|bin\.index\.json)$/i,
  recognizes: ({ name, bytes }) => isArchive(bytes) || INDEX_ENDING.test(name),
  listParts: (path) => (INDEX_ENDING.test(path) ? listShards(path, INDEX_FORMAT) : []),
  layout: 'torch',
  hasDictionaries: true,
  open: (path, take, options) => (INDEX_ENDING.test(path) ? openIndexed(path, take) : openArchive(path, options, take)),
};
