// Imports .safetensors: of PyTorch's state dicts mostly, of any named arrays.

import { decodeSafetensorsHeader, float32OfTensor, safetensorsHeaderLength } from '../../formats/safetensors.js';
import { tensorKind } from '../../trajectory/kind.js';
import { type CheckpointReader, type CheckpointTensor, isOptimiserName } from './checkpoint.js';
import { withInputFile } from './inputFile.js';
import { toKerasLayout } from './torchLayout.js';

const FLOATS = new Set(['F64', 'F32', 'F16', 'BF16']);
const PREFIX_BYTES = 8;

/** Reads one tensor after the other, so that no more than the values of the checkpoint are in memory. */
export const readSafetensorsCheckpoint: CheckpointReader = async function* (path, { layout }) {
  yield await withInputFile(path, 'safetensors', ({ bytes, read }) => {
    const length = safetensorsHeaderLength(read(0, Math.min(PREFIX_BYTES, bytes)), bytes, path);
    const { entries } = decodeSafetensorsHeader(read(0, length), bytes, path);
    const leftOut = { optimiser: 0, notFloat: 0 };
    const tensors: CheckpointTensor[] = [];
    for (const { name, dtype, shape, begin, end } of entries) {
      if (isOptimiserName(name)) leftOut.optimiser++;
      else if (!FLOATS.has(dtype)) leftOut.notFloat++;
      else {
        const values = float32OfTensor({ dtype, shape, data: read(begin, end) });
        tensors.push({ name, kind: tensorKind(name, shape), shape: [...shape], values });
      }
    }
    return { tensors: toKerasLayout(tensors, layout), leftOut };
  });
};
