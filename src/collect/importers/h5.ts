// Imports HDF5 files of Keras: .h5 of Keras 2 and 3 (weights or a whole model), .weights.h5 of Keras 3.

import { readWholeFile } from '../../formats/inputFile.js';
import type { CheckpointImporter } from './importer.js';
import { openKerasWeights } from './kerasWeights.js';

const FORMAT = 'Keras HDF5';
const HDF5_MAGIC = '\x89HDF';

/** `.h5`, `.hdf5` and `.weights.h5`. */
export const h5Importer: CheckpointImporter = {
  id: 'h5',
  describe: '.h5 and .weights.h5 of Keras',
  ending: /(\.weights)?\.(h5|hdf5)$/i,
  recognizes: ({ text }) => text.startsWith(HDF5_MAGIC),
  open: async (path, take) => openKerasWeights(path, FORMAT, [await readWholeFile(path, FORMAT)], take),
};
