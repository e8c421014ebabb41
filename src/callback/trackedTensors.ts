// Which tensors of a tfjs-layers model a nowcast reads and replaces: the rules of the paper's callback.

import type * as tfl from '@tensorflow/tfjs-layers';
import { DEFAULT_KINDS, type TrainedKind } from '../nowcaster/spec.js';
import { FLAG, FUNCTION, listOf, requireOptions, TEXT } from '../optionTypes.js';
import { tensorKind } from '../trajectory/kind.js';
import { filtersBeforeBatchNorm } from './keepNorm.js';
import { isModel } from './trainedNetwork.js';
import { accessTensors, type WeightAccess } from './weightAccess.js';

/** Layers that hold more arrays than this are left alone, as in the published callback; normalizations are told by class. */
const MOST_ARRAYS = 3;

/** Which tensors to track; everything that the rules allow without it. */
export interface TrackedTensorsOptions {
  /** Kinds to track. Default: `conv`, `fc`, `bias`. */
  kinds?: readonly TrainedKind[];
  /** Returns whether to track a layer. Default: every layer. */
  layers?: (layer: tfl.layers.Layer) => boolean;
  /** Whether filters that stand directly before batch-norm keep their norms. Default false. */
  keepNorm?: boolean;
}

type Variable = tfl.LayerVariable;

/** A variable that is tracked. */
interface Found {
  variable: Variable;
  kind: TrainedKind;
  name: string;
  filters?: number;
}

/** The variables of a model that may be tracked, each once however often its layer is shared, with kind and name. */
function listVariables(
  model: tfl.LayersModel,
  { kinds = DEFAULT_KINDS, layers: wanted = () => true, keepNorm = false }: TrackedTensorsOptions,
): Found[] {
  const found = new Map<Variable, Found>();
  const visit = (container: tfl.LayersModel) => {
    if (!container.trainable) return;
    for (const layer of container.layers) {
      if (isModel(layer)) {
        visit(layer);
        continue;
      }
      if (!wanted(layer)) continue;
      const isNorm = /Normalization/.test(layer.getClassName());
      if (isNorm ? !kinds.includes('norm') : layer.weights.length > MOST_ARRAYS) continue;
      for (const variable of layer.trainableWeights) {
        if (found.has(variable) || !variable.trainable || variable.dtype !== 'float32') continue;
        // The unscoped part of the name that the layer gave; `name` may carry a counter behind it.
        const own = variable.originalName.slice(variable.originalName.lastIndexOf('/') + 1);
        const name = `${layer.name}/${own}`;
        const shape = variable.shape as number[];
        const kind = kinds.find((kind) => kind === (isNorm ? 'norm' : tensorKind(name, shape)));
        if (kind === undefined) continue;
        const filters = keepNorm ? (filtersBeforeBatchNorm(layer, variable) ?? undefined) : undefined;
        found.set(variable, { variable, kind, name, filters });
      }
    }
  };
  visit(model);
  return [...found.values()];
}

/**
 * Access to the tensors of a model that nowcasts replace.
 *
 * Tracked are the trainable tensors of the kinds wanted: kernels and biases (kind by rank: 3 and more `conv`, 2 `fc`, 1
 * `bias`), embeddings, and scale and offset of normalization layers, of nested models too, each shared layer once. Left
 * alone are frozen layers and tensors, moving statistics, and other layers with more than three arrays. Writing applies a
 * layer's own constraints, as `setWeights` does.
 *
 * @param model built, i.e. with known input shape; as it is when training begins.
 */
export function accessModel(model: tfl.LayersModel, options: TrackedTensorsOptions = {}): WeightAccess {
  requireOptions('accessModel', options, { kinds: listOf(TEXT), layers: FUNCTION, keepNorm: FLAG });
  return accessTensors(
    listVariables(model, options).map(({ variable, kind, name, filters }) => ({
      name,
      kind,
      filters,
      shape: variable.shape as number[],
      read: () => variable.read(),
      write: (value) => variable.write(value),
    })),
  );
}
