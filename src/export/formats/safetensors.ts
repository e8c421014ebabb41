// A network as safetensors, for PyTorch, JAX and everything else that reads it.

import { KIND_FILE_NAMES } from '../../nowcaster/spec.js';
import { encodeWeights } from '../../nowcaster/weightsFile.js';
import { formatOfFiles } from './format.js';

export const safetensors = formatOfFiles(
  'safetensors',
  'PyTorch, JAX and others: one array a layer array',
  (kind, tag) => `NWNN_${KIND_FILE_NAMES[kind]}_${tag}.safetensors`,
  (_kind, parameters, { spec }) => encodeWeights(spec, parameters),
);
