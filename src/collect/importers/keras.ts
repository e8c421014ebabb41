// Imports .keras of Keras 3: a zip archive that holds a .weights.h5 file.

import { firstZipEntry, withZip } from '../../formats/zip.js';
import type { CheckpointImporter } from './importer.js';
import { openKerasWeights } from './kerasWeights.js';

const FORMAT = '.keras';

/** `.keras`. */
export const kerasImporter: CheckpointImporter = {
  id: 'keras',
  describe: '.keras',
  ending: /\.keras$/i,
  recognizes: ({ bytes }) => /^(metadata\.json|config\.json|model\.weights\.h5)$/.test(firstZipEntry(bytes) ?? ''),
  open: async (path, take) => {
    const bytes = await withZip(path, FORMAT, (archive) => archive.read('model.weights.h5'));
    await openKerasWeights(path, FORMAT, bytes, take);
  },
};
