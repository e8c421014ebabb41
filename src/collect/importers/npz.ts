// Imports .npz: a zip archive of .npy arrays, as numpy.savez writes it.

import { corruptFile } from '../../formats/corruptFile.js';
import type { FloatType } from '../../formats/floats.js';
import { decodeNpyFloats, decodeNpyHeader, NPY_HEADER_PROBE, NpyProblem, typeOfNpy } from '../../formats/npy.js';
import { firstZipEntry, withZip, type ZipArchive } from '../../formats/zip.js';
import type { CheckpointImporter, ListedTensor } from './importer.js';

const FORMAT = 'npz';

async function listArray(path: string, archive: ZipArchive, entry: string): Promise<ListedTensor> {
  if (!entry.endsWith('.npy')) throw corruptFile(path, FORMAT, `it holds ${entry}, which is no .npy array`);
  const name = entry.slice(0, -'.npy'.length);
  const naming = <T>(decode: () => T): T => {
    try {
      return decode();
    } catch (error) {
      if (error instanceof NpyProblem) throw corruptFile(path, FORMAT, `${name}: ${error.message}`);
      throw error;
    }
  };
  const start = await archive.readRange(entry, 0, Math.min(archive.bytesOf(entry), NPY_HEADER_PROBE));
  const header = naming(() => decodeNpyHeader(start));
  const type = typeOfNpy(header);
  const read = async () => {
    const bytes = await archive.read(entry);
    return naming(() => decodeNpyFloats(bytes, type as FloatType));
  };
  return { name, shape: header.shape, type, read };
}

/** `.npz`. */
export const npzImporter: CheckpointImporter = {
  id: 'npz',
  describe: '.npz of named arrays',
  ending: /\.npz$/i,
  recognizes: (start) => /\.npy$/.test(firstZipEntry(start.bytes) ?? ''),
  layout: 'open',
  open: (path, take) =>
    withZip(path, FORMAT, async (archive) => {
      const tensors: ListedTensor[] = [];
      for (const entry of archive.names) tensors.push(await listArray(path, archive, entry));
      await take({ tensors });
    }),
};
