// Keras's two layouts of weights in HDF5: which dataset is which weight of which layer. Reads no values.

import { type H5Node, H5Problem } from './reader.js';

/** One array of a layer. */
export interface KerasArray {
  /** What the file calls it: `dense/kernel:0` in Keras 2 files, its place in the layer (`0`, `1`, ...) in Keras 3 ones. */
  name: string;
  /** The dataset. */
  path: string;
  shape: number[];
  type: NonNullable<H5Node['dataset']>['type'];
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
  /** Number of other arrays of floats that the file holds, of no layer. */
  otherArrays: number;
}

/** Groups of a Keras 3 file that hold layers, and are not layers themselves. */
const CONTAINERS = new Set(['layers', '_layer_checkpoint_dependencies']);
/** The optimizer of a model, or those of one with several: `g_optimizer`. */
const OPTIMIZERS = /^\/(\w*_)?optimizer(_\d+|_weights)?\//;
/** Where Keras 2 files have the model's own weights, those of no layer. */
const TOP_LEVEL = 'top_level_model_weights';

/** Keras 2: the root (of weights) or `model_weights` (of a whole model) lists its layers, each its weights. */
function listKeras2(byPath: Map<string, H5Node>, root: string): KerasLayer[] {
  const at = (name: string) => `${root}/${name}`.replace('//', '/');
  const listArrays = (path: string) =>
    namesOf(byPath.get(path), 'weight_names').map((array) => arrayAt(byPath, `${path}/${array}`, array));
  const layers = namesOf(byPath.get(root), 'layer_names').map((name): KerasLayer => {
    const group = byPath.get(at(name));
    if (group === undefined || group.dataset !== null) throw new H5Problem(`layer ${name} is listed but missing`);
    return { name, classKey: null, arrays: listArrays(at(name)) };
  });
  if (byPath.has(at(TOP_LEVEL))) layers.push({ name: '', classKey: null, arrays: listArrays(at(TOP_LEVEL)) });
  return layers;
}

/** A list of names, which Keras divides where it is too long for one attribute: `layer_names0`, `layer_names1`, ... */
function namesOf(node: H5Node | undefined, attribute: string): string[] {
  const attributes = node?.attributes ?? {};
  const whole = attributes[attribute];
  if (Array.isArray(whole)) return whole;
  const parts: string[] = [];
  for (let i = 0; Object.hasOwn(attributes, `${attribute}${i}`); i++) {
    const part = attributes[`${attribute}${i}`];
    if (!Array.isArray(part)) break;
    parts.push(...part);
    if (!Object.hasOwn(attributes, `${attribute}${i + 1}`)) return parts;
  }
  throw new H5Problem(`attribute ${attribute} of ${node?.path} is not a list of names`);
}

const hasNames = (node: H5Node | undefined, attribute: string) =>
  [attribute, `${attribute}0`].some((name) => Object.hasOwn(node?.attributes ?? {}, name));

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
      // The model's own weights are called by its name.
      const name = owner.length === 0 ? (byPath.get('/vars')?.attributes.name?.[0] ?? '') : names.join('/');
      layer = { name, classKey: steps.map((i) => owner[i]).join('/'), arrays: [] };
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
  const root = ['/', '/model_weights'].find((path) => hasNames(byPath.get(path), 'layer_names'));
  const layers = root === undefined ? listKeras3(nodes, byPath) : listKeras2(byPath, root);
  if (root === undefined && layers.length === 0) throw new H5Problem('it holds no Keras weights');
  const listed = new Set(layers.flatMap(({ arrays }) => arrays.map(({ path }) => path)));
  const otherArrays = nodes.filter(
    ({ path, dataset }) => dataset !== null && dataset.type !== 'whole' && !OPTIMIZERS.test(path) && !listed.has(path),
  ).length;
  return { layers, optimizerArrays, otherArrays };
}
