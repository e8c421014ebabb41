// Imports .npz: a zip archive of .npy arrays, as numpy.savez writes it.

import { tensorKind } from '../../trajectory/kind.js';
import { type CheckpointReader, type CheckpointTensor, corruptCheckpoint, isOptimizerName } from './checkpoint.js';
import { decodeNpy, type NpyArray, NpyProblem } from './npy.js';
import { toKerasLayout } from './torchLayout.js';
import { withZip } from './zip.js';

export const readNpzCheckpoint: CheckpointReader = async function* (path, { layout }) {
  yield await withZip(path, 'npz', async (archive) => {
    const leftOut = { optimizer: 0, notFloat: 0 };
    const tensors: CheckpointTensor[] = [];
    for (const entry of archive.names) {
      if (!entry.endsWith('.npy')) throw corruptCheckpoint(path, 'npz', `it holds ${entry}, which is no .npy array`);
      const name = entry.slice(0, -'.npy'.length);
      if (isOptimizerName(name)) {
        leftOut.optimizer++;
        continue;
      }
      const bytes = await archive.read(entry);
      let array: NpyArray;
      try {
        array = decodeNpy(bytes);
      } catch (error) {
        if (error instanceof NpyProblem) throw corruptCheckpoint(path, 'npz', `${name}: ${error.message}`);
        throw error;
      }
      if (array === null) leftOut.notFloat++;
      else tensors.push({ name, kind: tensorKind(name, array.shape), ...array });
    }
    return { tensors: toKerasLayout(tensors, layout), leftOut };
  });
};
