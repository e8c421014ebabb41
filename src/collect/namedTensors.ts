// Which tensors of a network are recorded, under which names, and their values. Every weight is recorded, frozen and
// batch-norm ones too.

import type * as tf from '@tensorflow/tfjs-core';
import type * as tfl from '@tensorflow/tfjs-layers';
import { tensorKind } from '../trajectory/kind.js';
import type { TensorSpec } from '../trajectory/schema.js';

/** A network to record: a tfjs-layers model, or the tensors and variables of any other, by name. */
export type Network = tfl.LayersModel | Record<string, tf.Tensor>;

/** A tensor of a network; `read` gives the current one, which belongs to the network. */
export interface NamedTensor {
  name: string;
  shape: number[];
  read(): tf.Tensor;
}

function isModel(network: object): network is tfl.LayersModel {
  return Array.isArray((network as Partial<tfl.LayersModel>).layers);
}

/** Named `<layer>/<weight>`; those of a model within the model are `<model>/<layer>/<weight>`. */
export function listTensors(network: Network): NamedTensor[] {
  if (!isModel(network)) {
    return Object.entries(network).map(([name, tensor]) => ({ name, shape: tensor.shape, read: () => tensor }));
  }
  const tensors: NamedTensor[] = [];
  const seen = new Set<tfl.LayerVariable>();
  const taken = new Set<string>();
  const visit = (model: tfl.LayersModel, prefix: string) => {
    for (const layer of model.layers) {
      if (isModel(layer)) {
        visit(layer, `${prefix}${layer.name}/`);
        continue;
      }
      for (const variable of layer.weights) {
        if (seen.has(variable)) continue; // a layer that is used twice
        seen.add(variable);
        // The part of the name that the layer gave; `variable.name` may carry a counter of the process behind it.
        const scope = `${layer.name}/`;
        const { originalName } = variable;
        const own = originalName.startsWith(scope) ? originalName.slice(scope.length) : originalName;
        const name = makeUnique(`${prefix}${scope}${own}`, taken);
        tensors.push({ name, shape: variable.shape as number[], read: () => variable.read() });
      }
    }
  };
  visit(network, '');
  return tensors;
}

function makeUnique(name: string, taken: Set<string>): string {
  let unique = name;
  for (let i = 1; taken.has(unique); i++) unique = `${name}_${i}`;
  taken.add(unique);
  return unique;
}

/** Names, kinds and shapes of a network's tensors, in the order of {@link readValues}. */
export function describeTensors(network: Network): TensorSpec[] {
  return listTensors(network).map(({ name, shape }) => ({ name, kind: tensorKind(name, shape), shape: [...shape] }));
}

/** The values of all tensors, row-major; whole numbers and truth values as float32. */
export function readValues(network: Network): Promise<Float32Array[]> {
  return Promise.all(
    listTensors(network).map(async ({ read }) => {
      const values = await read().data();
      return values instanceof Float32Array ? values : Float32Array.from(values as Iterable<number>);
    }),
  );
}

/** Whether none of the values is NaN or infinite. */
export function allFinite(values: readonly Float32Array[]): boolean {
  return values.every((array) => {
    // Zero times anything but a number is NaN, and a sum keeps it: no branch a value.
    let sum = 0;
    for (let i = 0; i < array.length; i++) sum += array[i] * 0;
    return sum === 0;
  });
}
