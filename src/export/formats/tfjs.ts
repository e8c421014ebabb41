// A network as a tfjs LayersModel on disk: `model.json` and `weights.bin`, which `tf.loadLayersModel` opens in Node and
// in a browser once the exp layer is registered (by importing the callback).

import * as tf from '@tensorflow/tfjs-core';
import { buildLayersModel } from '../../network/layersModel.js';
import type { Network } from '../../network/network.js';
import { tfjsModelPath } from '../../nowcaster/nowcaster.js';
import type { TrainedKind } from '../../nowcaster/spec.js';
import { TOOLKIT_VERSION } from '../../version.js';
import type { EncodedNowcaster, ExportFormat } from './format.js';

/** Name of the file with all weights, beside `model.json`. */
const WEIGHTS_NAME = 'weights.bin';

/** A model keeps its weights in tensors, so one backend must be there; no arithmetic is done on it. */
async function ensureBackend(): Promise<void> {
  if (tf.getBackend()) return;
  await import('@tensorflow/tfjs-backend-cpu');
  tf.enableProdMode();
  await tf.setBackend('cpu');
}

/**
 * Encodes a network as the files of a tfjs LayersModel, by name. The same input gives the same bytes.
 *
 * @param name of the model.
 * @param parameters flat parameters in the network's layout.
 */
async function encodeTfjsModel(
  name: string,
  network: Network,
  parameters: Float32Array,
): Promise<Record<string, Uint8Array>> {
  await ensureBackend();
  const model = buildLayersModel(network, name);
  const topology = model.toJSON(undefined, false);
  model.dispose();
  const json = {
    format: 'layers-model',
    generatedBy: `weight-nowcaster ${TOOLKIT_VERSION}`,
    convertedBy: null,
    modelTopology: topology,
    weightsManifest: [
      {
        paths: [WEIGHTS_NAME],
        weights: network.arrays.map((array) => ({ name: array.name, shape: array.shape, dtype: 'float32' })),
      },
    ],
  };
  return {
    'model.json': new TextEncoder().encode(JSON.stringify(json)),
    [WEIGHTS_NAME]: new Uint8Array(parameters.slice().buffer),
  };
}

export const tfjs: ExportFormat = {
  id: 'tfjs',
  description: 'TensorFlow.js: tf.loadLayersModel; always written, since the callback reads it',
  async encode({ network, parameters }) {
    const encoded: EncodedNowcaster = { files: {}, main: {} };
    for (const [name, values] of Object.entries(parameters)) {
      const kind = name as TrainedKind;
      const main = tfjsModelPath(kind);
      const folder = main.slice(0, main.lastIndexOf('/') + 1);
      for (const [file, bytes] of Object.entries(await encodeTfjsModel(`nowcaster_${kind}`, network, values)))
        encoded.files[folder + file] = bytes;
      encoded.main[kind] = main;
    }
    return encoded;
  },
};
