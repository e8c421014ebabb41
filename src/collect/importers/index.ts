// The list of importers, one per format.

import { h5Importer } from './h5.js';
import type { CheckpointImporter } from './importer.js';
import { kerasImporter } from './keras.js';
import { kerasShardedImporter } from './kerasSharded.js';
import { matImporter } from './mat.js';
import { npzImporter } from './npz.js';
import { recordingImporter } from './recording.js';
import { safetensorsImporter } from './safetensors.js';
import { tfjsImporter } from './tfjs.js';
import { torchImporter } from './torch.js';

/** All importers. Where several recognize a file, one whose ending it has comes before the others, then the first here. */
export const IMPORTERS: readonly CheckpointImporter[] = [
  h5Importer,
  kerasImporter,
  kerasShardedImporter,
  safetensorsImporter,
  npzImporter,
  recordingImporter,
  tfjsImporter,
  torchImporter,
  matImporter,
];
