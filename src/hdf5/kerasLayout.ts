// Keras's two layouts of weights in HDF5: which dataset is which weight of which layer. Reads no values.

import { type H5Node, H5Problem } from './reader.js';

/** One array of a layer. */
export interface KerasArray {
  /** What the file calls it: `dense/kernel:0` in Keras 2 files, its place in the layer (`0`, `1`, ...) in Keras 3 ones. */
  name: string;
  /** The dataset. */
  path: string;
  shape: number[];
  floatBits: 16 | 32 | 64 | null;
}

/** One layer. Those without weights have no arrays. */
export interface KerasLayer {
  /** Name of the layer; those of a model within the model are `<model>/<layer>`. */
  name: string;
  /** Keras 3 only: what the file calls it, which is its class and a number (`batch_normalization_1`). */
  classKey: string | null;
  arrays: KerasArray[];
}

/** The weights of a file. */
export interface KerasWeights {
  /** In the order of the model in Keras 2 files; by class in Keras 3 ones, those of a class in the order of the model. */
  layers: KerasLayer[];
  /** Number of arrays of the optimizer's state that the file holds too. */
  optimizerArrays: number;
}

/** Groups of a Keras 3 file that hold layers, and are not layers themselves. */
const CONTAINERS = new Set(['layers', '_layer_checkpoint_dependencies']);
const OPTIMIZERS = /^\/(optimizer|optimizer_weights)\//;

/** Keras 2: the root (of weights) or `model_weights` (of a whole model) lists its layers, each its weights. */
function listKeras2(byPath: Map<string, H5Node>, root: string): KerasLayer[] {
  return stringsOf(byPath.get(root), 'layer_names').map((name) => {
    const path = `${root}/${name}`.replace('//', '/');
    const group = byPath.get(path);
    if (group === undefined || group.dataset !== null) throw new H5Problem(`layer ${name} is listed but missing`);
    const arrays = stringsOf(group, 'weight_names').map((array) => arrayAt(byPath, `${path}/${array}`, array));
    return { name, classKey: null, arrays };
  });
}

function stringsOf(node: H5Node | undefined, attribute: string): string[] {
  const value = node?.attributes[attribute];
  if (!Array.isArray(value)) throw new H5Problem(`attribute ${attribute} of ${node?.path} is not a list of names`);
  return value;
}

function arrayAt(byPath: Map<string, H5Node>, path: string, name: string): KerasArray {
  const dataset = byPath.get(path)?.dataset;
  if (!dataset) throw new H5Problem(`${path} is listed but missing`);
  return { name, path, ...dataset };
}

const byNumber = new Intl.Collator('en', { numeric: true }).compare;

/** Keras 3: the arrays of a layer are in a group `vars`, whose attribute `name` is what the user called the layer. */
function listKeras3(nodes: H5Node[], byPath: Map<string, H5Node>): KerasLayer[] {
  const layers = new Map<string, KerasLayer>();
  for (const { path, dataset } of nodes) {
    const parts = path.split('/').slice(1);
    if (dataset === null || parts.at(-2) !== 'vars' || OPTIMIZERS.test(path)) continue;
    const owner = parts.slice(0, -2);
    const key = owner.join('/');
    let layer = layers.get(key);
    if (layer === undefined) {
      const steps = owner.flatMap((part, i) => (CONTAINERS.has(part) ? [] : [i]));
      const names = steps.map((i) => {
        const vars = byPath.get(`/${owner.slice(0, i + 1).join('/')}/vars`);
        return vars?.attributes.name?.[0] ?? owner[i];
      });
      layer = { name: names.join('/'), classKey: steps.map((i) => owner[i]).join('/'), arrays: [] };
      layers.set(key, layer);
    }
    layer.arrays.push({ name: parts.at(-1) as string, path, ...dataset });
  }
  const sorted = [...layers.values()].sort((a, b) => byNumber(a.classKey as string, b.classKey as string));
  for (const { arrays } of sorted) arrays.sort((a, b) => byNumber(a.name, b.name));
  return sorted;
}

/**
 * Finds the weights of a Keras file: of Keras 2 (weights, or a whole saved model) or Keras 3 (`.weights.h5`).
 *
 * @throws {@link H5Problem} when it holds none, or lists what is not there.
 */
export function listKerasWeights(nodes: H5Node[]): KerasWeights {
  const byPath = new Map(nodes.map((node) => [node.path, node]));
  const optimizerArrays = nodes.filter(({ path, dataset }) => dataset !== null && OPTIMIZERS.test(path)).length;
  for (const root of ['/', '/model_weights']) {
    if (Object.hasOwn(byPath.get(root)?.attributes ?? {}, 'layer_names'))
      return { layers: listKeras2(byPath, root), optimizerArrays };
  }
  const layers = listKeras3(nodes, byPath);
  if (layers.length === 0) throw new H5Problem('it holds no Keras weights');
  return { layers, optimizerArrays };
}
