// Which tensors of a model a nowcast reads and replaces, and their bulk transfer from and to flat arrays. Knows the
// rules of the paper's callback (which layers, which kind); knows nothing of windows or forecasts.

import * as tf from '@tensorflow/tfjs-core';
import type * as tfl from '@tensorflow/tfjs-layers';
import { TRAINED_KINDS, type TrainedKind } from '../nowcaster/spec.js';
import { tensorKind } from '../trajectory/kind.js';

/** Layers that hold more arrays than this are left alone, as in the published callback: batch-norm holds four. */
const MOST_ARRAYS = 3;

/** One tensor that nowcasts replace. */
export interface TrackedTensor {
  /** Name of the layer and of the tensor in it, e.g. `conv2d_1/kernel`. */
  name: string;
  kind: TrainedKind;
  shape: number[];
  /** Where its values begin in the flat array; row-major. */
  offset: number;
  /** Number of values. */
  size: number;
}

/** Which tensors to track; everything that the rules allow without it. */
export interface TrackedTensorsOptions {
  /** Kinds to track. Default: all three. */
  kinds?: readonly TrainedKind[];
  /** Returns whether to track a layer. Default: every layer. */
  layers?: (layer: tfl.layers.Layer) => boolean;
}

type Variable = tfl.LayerVariable;

function isModel(layer: tfl.layers.Layer): layer is tfl.LayersModel {
  return Array.isArray((layer as Partial<tfl.LayersModel>).layers);
}

/** The variables of a model that may be tracked, each once however often its layer is shared, with kind and name. */
function listVariables(
  model: tfl.LayersModel,
  { kinds = TRAINED_KINDS, layers: wanted = () => true }: TrackedTensorsOptions,
): { variable: Variable; kind: TrainedKind; name: string }[] {
  const found = new Map<Variable, { variable: Variable; kind: TrainedKind; name: string }>();
  const visit = (container: tfl.LayersModel) => {
    if (!container.trainable) return;
    for (const layer of container.layers) {
      if (isModel(layer)) {
        visit(layer);
        continue;
      }
      const count = layer.weights.length;
      if (count < 1 || count > MOST_ARRAYS || !wanted(layer)) continue;
      if (/Normalization/.test(layer.getClassName())) continue;
      for (const variable of layer.trainableWeights) {
        if (found.has(variable) || !variable.trainable || variable.dtype !== 'float32') continue;
        // The unscoped part of the name that the layer gave; `name` may carry a counter behind it.
        const own = variable.originalName.slice(variable.originalName.lastIndexOf('/') + 1);
        const name = `${layer.name}/${own}`;
        const shape = variable.shape as number[];
        const kind = tensorKind(name, shape);
        if (kind === 'norm' || kind === 'other' || !kinds.includes(kind)) continue;
        found.set(variable, { variable, kind, name });
      }
    }
  };
  visit(model);
  return [...found.values()];
}

/**
 * The tensors of one model that nowcasts replace, as one flat array sorted by kind.
 *
 * Tracked are the trainable kernels and biases (kind by rank: 3 and more `conv`, 2 `fc`, 1 `bias`) of all layers with
 * one to three arrays, those of nested models too, each shared layer once. Left alone are frozen layers and tensors,
 * normalization layers, embeddings, and layers with more arrays.
 */
export class TrackedTensors {
  /** In the order of the flat array: by kind, then in the order of the model's layers. */
  readonly tensors: readonly TrackedTensor[];
  /** Values in all. */
  readonly size: number;
  /** Where each kind's values stand in the flat array: [begin, end). Empty kinds have begin = end. */
  readonly ranges: Readonly<Record<TrainedKind, readonly [begin: number, end: number]>>;
  readonly #variables: readonly Variable[];

  /** @param model built, i.e. with known input shape; as it is when training begins. */
  constructor(model: tfl.LayersModel, options: TrackedTensorsOptions = {}) {
    const listed = listVariables(model, options);
    const tensors: TrackedTensor[] = [];
    const variables: Variable[] = [];
    const ranges = {} as Record<TrainedKind, [number, number]>;
    let offset = 0;
    for (const kind of TRAINED_KINDS) {
      const begin = offset;
      for (const entry of listed) {
        if (entry.kind !== kind) continue;
        const shape = entry.variable.shape as number[];
        const size = tf.util.sizeFromShape(shape);
        tensors.push({ name: entry.name, kind, shape, offset, size });
        variables.push(entry.variable);
        offset += size;
      }
      ranges[kind] = [begin, offset];
    }
    this.tensors = tensors;
    this.#variables = variables;
    this.ranges = ranges;
    this.size = offset;
  }

  /** Values of one kind. */
  countOf(kind: TrainedKind): number {
    const [begin, end] = this.ranges[kind];
    return end - begin;
  }

  /** Copies the current values into `target`, which holds `size` numbers. */
  async read(target: Float32Array): Promise<void> {
    await Promise.all(
      this.tensors.map(async ({ offset }, i) => {
        target.set((await this.#variables[i].read().data()) as Float32Array, offset);
      }),
    );
  }

  /** Replaces the current values by those of `source`; a layer's own constraints are applied, as in `setWeights`. */
  write(source: Float32Array): void {
    tf.tidy(() => {
      for (const [i, { offset, size, shape }] of this.tensors.entries()) {
        // The backend may keep the array that it is given, and ours is written to again.
        const values = source.slice(offset, offset + size);
        this.#variables[i].write(tf.tensor(values, shape, 'float32'));
      }
    });
  }
}
