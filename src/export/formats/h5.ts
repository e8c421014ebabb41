// A network as a Keras 2 weight file, in the layout of the published ones: a group a layer of the Keras model, also of
// those without weights, in Keras's order.

import type { Group, File as H5File } from 'h5wasm';
import { kerasLayers } from '../../network/kerasOrder.js';
import type { DenseLayer, Network } from '../../network/network.js';
import { KIND_FILE_NAMES } from '../../nowcaster/spec.js';
import { formatOfFiles } from './format.js';

/** The Keras version whose layout the files have; readers convert by it. */
const KERAS_VERSION = '2.2.4';
const BACKEND = 'tensorflow';

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

function writeLayer(file: H5File, name: string, dense: DenseLayer | undefined, parameters: Float32Array): void {
  const group = file.create_group(name);
  if (dense === undefined) {
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
 * @param parameters flat parameters in the network's layout.
 */
export async function encodeH5(network: Network, parameters: Float32Array): Promise<Uint8Array> {
  const { File, ready } = await import('h5wasm');
  const { FS } = await ready;
  const name = 'weights.h5';
  const layers = kerasLayers(network);
  const dense = new Map(network.layers.map((layer) => [layer.name, layer]));
  withoutClock(() => {
    const file = new File(name, 'w', { libver: ['earliest', 'v110'] });
    writeFixedStrings(
      file,
      'layer_names',
      layers.map((layer) => layer.name),
    );
    file.create_attribute('backend', BACKEND, [], 'A');
    file.create_attribute('keras_version', KERAS_VERSION, [], 'A');
    for (const layer of layers) writeLayer(file, layer.name, dense.get(layer.name), parameters);
    file.close();
  });
  const bytes = FS.readFile(name);
  FS.unlink(name);
  return bytes;
}

export const h5 = formatOfFiles(
  'h5',
  'Keras 2 and 3: load_weights',
  (kind, tag) => `NWNN_${KIND_FILE_NAMES[kind]}_${tag}.h5`,
  (_kind, parameters, { network }) => encodeH5(network, parameters),
);
