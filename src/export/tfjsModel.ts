// A network as a tfjs LayersModel on disk: `model.json` and `weights.bin`, which `tf.loadLayersModel` opens in Node and
// in a browser once the exp layer is registered (by importing the callback).

import * as tf from '@tensorflow/tfjs-core';
import { buildLayersModel } from '../nowcaster/model.js';
import type { WnnSpec } from '../nowcaster/spec.js';
import { arraysOf } from '../nowcaster/weightsFile.js';
import { TOOLKIT_VERSION } from '../version.js';

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
 * @param parameters flat parameters as `layoutOf` lays them out.
 */
export async function encodeTfjsModel(
  name: string,
  spec: WnnSpec,
  parameters: Float32Array,
): Promise<Record<string, Uint8Array>> {
  await ensureBackend();
  const model = buildLayersModel(spec, name);
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
        weights: arraysOf(spec).map((array) => ({ name: array.name, shape: array.shape, dtype: 'float32' })),
      },
    ],
  };
  return {
    'model.json': new TextEncoder().encode(JSON.stringify(json)),
    [WEIGHTS_NAME]: new Uint8Array(parameters.slice().buffer),
  };
}
