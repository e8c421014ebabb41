// Imports .keras of Keras 3: a zip archive that holds a .weights.h5 file, or several and their index.

import { basename } from 'node:path';
import { parseIndex } from '../../formats/weightIndex.js';
import { firstZipEntry, withZip } from '../../formats/zip.js';
import type { CheckpointImporter } from './importer.js';
import { openKerasWeights } from './kerasWeights.js';

const FORMAT = '.keras';
const INDEX = 'model.weights.json';

/** `.keras`. */
export const kerasImporter: CheckpointImporter = {
  id: 'keras',
  describe: '.keras',
  ending: /\.keras$/i,
  recognizes: ({ bytes }) => /^(metadata|config)\.json$|^model\.weights\./.test(firstZipEntry(bytes) ?? ''),
  open: async (path, take) => {
    const files = await withZip(path, FORMAT, async (archive) => {
      if (!archive.names.includes(INDEX)) return [await archive.read('model.weights.h5')];
      const shards = parseIndex(new TextDecoder().decode(await archive.read(INDEX)), path, FORMAT);
      const read: Uint8Array[] = [];
      for (const shard of shards) read.push(await archive.read(basename(shard.path)));
      return read;
    });
    await openKerasWeights(path, FORMAT, files, take);
  },
};
