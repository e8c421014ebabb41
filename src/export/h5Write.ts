// Writes a network as a Keras 2 weight file, in the layout of the published ones: a group per layer of the Keras model,
// also of those without weights, in the order in which Keras sorts the layers of this network.

import type { Group, File as H5File } from 'h5wasm';
import { type LayerLayout, layoutOf, streamsOf } from '../nowcaster/layout.js';
import type { WnnSpec } from '../nowcaster/spec.js';

/** The Keras version whose layout the files have; readers convert by it. */
const KERAS_VERSION = '2.2.4';
const BACKEND = 'tensorflow';

/** A layer of the Keras model: a dense one, or one without weights. */
interface KerasLayer {
  name: string;
  dense: LayerLayout | null;
}

/** The layers of the Keras model in its order, by depth and then by stream. */
function kerasLayersOf(spec: WnnSpec): KerasLayer[] {
  const { layers } = layoutOf(spec);
  const streams = streamsOf(spec);
  const plain = (part: string): KerasLayer[] => streams.map((stream) => ({ name: `${stream}_${part}`, dense: null }));
  const dense = (role: string): KerasLayer[] =>
    layers.filter((layer) => layer.role === role).map((layer) => ({ name: layer.name, dense: layer }));
  /** Two kinds of layers of equal depth stand stream by stream. */
  const paired = (a: KerasLayer[], b: KerasLayer[]): KerasLayer[] => a.flatMap((layer, i) => [layer, b[i]]);
  const inputs = streams.map((stream): KerasLayer => ({ name: stream, dense: null }));
  const activation =
    spec.activation === 'network'
      ? [
          ...dense('code'),
          ...dense('exp'),
          ...plain('exponents'),
          ...paired(dense('mul'), plain('powers')),
          ...paired(plain('scaled'), dense('add')),
          ...plain('activated'),
        ]
      : plain('activated');
  const joined: KerasLayer[] = streams.length === 2 ? [{ name: 'streams', dense: null }] : [];
  return [...inputs, ...dense('in'), ...activation, ...dense('out'), ...plain('leaky'), ...joined, ...dense('head')];
}

/** Writes strings of fixed length, which older versions of h5py and Keras read as bytes. */
function writeFixedStrings(target: Group, name: string, strings: readonly string[]): void {
  if (strings.length === 0) {
    // What h5py makes of an empty list, and so what the published files hold.
    target.create_attribute(name, new Float64Array(0), [0], '<d');
    return;
  }
  // One byte more than the longest: the type that h5wasm makes of `A<n>` ends each string with a zero.
  const length = Math.max(...strings.map((text) => text.length)) + 1;
  target.create_attribute(name, [...strings], [strings.length], `A${length}`);
}

function writeLayer(file: H5File, { name, dense }: KerasLayer, parameters: Float32Array): void {
  const group = file.create_group(name);
  if (dense === null) {
    writeFixedStrings(group, 'weight_names', []);
    return;
  }
  writeFixedStrings(group, 'weight_names', [`${name}/kernel:0`, `${name}/bias:0`]);
  const arrays = group.create_group(name);
  const { inputs, units, kernel, bias } = dense;
  const write = (arrayName: string, data: Float32Array, shape: number[]) =>
    arrays.create_dataset({ name: arrayName, data, shape, dtype: '<f' });
  write('kernel:0', parameters.slice(kernel, bias), [inputs, units]);
  write('bias:0', parameters.slice(bias, bias + units), [units]);
}

/** Runs synchronous work with the clock at zero: HDF5 stamps what it creates, and equal input must give equal bytes. */
function withoutClock<T>(work: () => T): T {
  const { now } = Date;
  Date.now = () => 0;
  try {
    return work();
  } finally {
    Date.now = now;
  }
}

/**
 * Encodes a network as HDF5 that `load_weights` of Keras 2 and 3 accepts. The same input gives the same bytes.
 *
 * @param parameters flat parameters as {@link layoutOf} lays them out.
 */
export async function encodeH5(spec: WnnSpec, parameters: Float32Array): Promise<Uint8Array> {
  const { File, ready } = await import('h5wasm');
  const { FS } = await ready;
  const name = 'weights.h5';
  const layers = kerasLayersOf(spec);
  withoutClock(() => {
    const file = new File(name, 'w', { libver: ['earliest', 'v110'] });
    writeFixedStrings(
      file,
      'layer_names',
      layers.map((layer) => layer.name),
    );
    file.create_attribute('backend', BACKEND, [], 'A');
    file.create_attribute('keras_version', KERAS_VERSION, [], 'A');
    for (const layer of layers) writeLayer(file, layer, parameters);
    file.close();
  });
  const bytes = FS.readFile(name);
  FS.unlink(name);
  return bytes;
}
