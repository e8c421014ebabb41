// Imports .weights.json of Keras 3: the index of several .weights.h5 files beside it.

import { readWholeFile } from '../../formats/inputFile.js';
import { listShards, readIndex } from '../../formats/weightIndex.js';
import type { CheckpointImporter } from './importer.js';
import { openKerasWeights } from './kerasWeights.js';

const FORMAT = 'Keras .weights.json';

/** `.weights.json`. */
export const kerasShardedImporter: CheckpointImporter = {
  id: 'keras-sharded',
  describe: '.weights.json of Keras with its files beside it',
  ending: /\.weights\.json$/i,
  recognizes: ({ name }) => /\.weights\.json$/i.test(name),
  listParts: (path) => listShards(path, FORMAT),
  open: async (path, take) => {
    const files: Uint8Array[] = [];
    for (const shard of await readIndex(path, FORMAT)) files.push(await readWholeFile(shard.path, FORMAT));
    await openKerasWeights(path, FORMAT, files, take);
  },
};
