// The files of torch.save, a zip archive: a pickle that says what was saved, and a file of bytes for each storage. Nothing
// of the pickle is called. Which tensors it describes is decided by pickledTensor.ts.

import { corruptFile } from './corruptFile.js';
import { decodeFloats, FLOAT_BYTES, type FloatType } from './floats.js';
import { gatherStrided } from './permuteAxes.js';
import { decodePickle, PickleProblem, type PickleValue } from './pickle.js';
import type { PickledTensor } from './pickledTensor.js';
import { withZip, type ZipArchive } from './zip.js';

/** What errors call the format. */
export const TORCH_FORMAT = 'PyTorch';

/** An open file. */
export interface TorchArchive {
  /** Length of the file. */
  bytes: number;
  /** What was saved. */
  root: PickleValue;
  /** Reads the elements of a tensor of floats, row-major. */
  read(tensor: PickledTensor): Promise<Float32Array>;
}

/** Reads what a tensor spans of its storage, and puts it into row-major order. */
async function readTensor(
  archive: ZipArchive,
  folder: string,
  order: 'little' | 'big',
  { shape, strides, offset, storage, type }: PickledTensor,
): Promise<Float32Array> {
  const width = FLOAT_BYTES[type as FloatType];
  if (shape.includes(0)) return new Float32Array();
  if (typeof storage !== 'string')
    return gatherStrided(decodeFloats(storage.bytes(), type as FloatType, storage.order), shape, strides);
  const span = shape.reduce((sum, size, axis) => sum + (size - 1) * strides[axis], 1);
  const bytes = await archive.readRange(`${folder}data/${storage}`, offset * width, (offset + span) * width);
  return gatherStrided(decodeFloats(bytes, type as FloatType, order), shape, strides);
}

/**
 * Opens a file for as long as `use` runs.
 *
 * @throws CorruptFileError, MissingFileError; what `use` throws, a {@link PickleProblem} as a CorruptFileError.
 */
export function withTorchArchive(path: string, use: (archive: TorchArchive) => Promise<void>): Promise<void> {
  return withZip(path, TORCH_FORMAT, async (archive) => {
    const pickle = archive.names.find((name) => /(^|\/)data\.pkl$/.test(name));
    if (pickle === undefined) throw corruptFile(path, TORCH_FORMAT, 'it holds no data.pkl');
    const folder = pickle.slice(0, -'data.pkl'.length);
    // Checksums are not verified: torch.save can leave them out.
    const readEntry = (name: string) => archive.readRange(name, 0, archive.bytesOf(name));
    const order = `${folder}byteorder`;
    const isBig = archive.names.includes(order) && new TextDecoder().decode(await readEntry(order)).trim() === 'big';
    const bytes = await readEntry(pickle);
    try {
      await use({
        bytes: archive.bytes,
        root: decodePickle(bytes),
        read: (tensor) => readTensor(archive, folder, isBig ? 'big' : 'little', tensor),
      });
    } catch (error) {
      if (error instanceof PickleProblem) throw corruptFile(path, TORCH_FORMAT, error.message, error);
      throw error;
    }
  });
}
