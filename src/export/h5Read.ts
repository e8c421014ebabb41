// Reads a network from a Keras weight file, of Keras 2 or 3, by the order of its layers: their names differ from file to
// file. HDF5 and Keras's layouts in it are the business of hdf5/.

import { readFile } from 'node:fs/promises';
import { CorruptFileError, MismatchError, MissingFileError } from '../errors.js';
import { listFamilies } from '../families/index.js';
import { listKerasWeights } from '../hdf5/kerasLayout.js';
import { H5Problem, readH5File } from '../hdf5/reader.js';
import type { Network } from '../network/network.js';
import type { NowcasterSpec, WindowSpec } from '../network/spec.js';
import { checkParameters } from '../nowcaster/parameters.js';
import { networkOf, PAPER_SPEC, specProblem } from '../nowcaster/spec.js';
import type { NetworkWeights } from '../nowcaster/weightsFile.js';

/** A weight file of a nowcaster has about 100 kB. */
const MAX_FILE_BYTES = 50_000_000;

/** What a weight file does not say about its network. */
export interface H5Meaning {
  /** Default `range`; the KNOWN networks have `none`. */
  normalization?: WindowSpec['normalization'];
  /** Snapshots ahead of each output. Default `[5]` for a network of one output; needed for one of more. */
  horizons?: number[];
  /** Default true. */
  residual?: boolean;
}

/** An array of a layer. */
interface H5Array {
  shape: number[];
  values: Float32Array;
}

/** A layer with its values, in the order of the file. */
interface H5Layer {
  arrays: H5Array[];
}

/** The layers of a file that have weights. Of a Keras 3 file, which sorts by class, only the dense ones. */
function readLayers(bytes: Uint8Array): Promise<H5Layer[]> {
  return readH5File(bytes, async ({ nodes, readFloats }) => {
    const layers = listKerasWeights(nodes).layers.filter(
      ({ classKey, arrays }) => arrays.length > 0 && (classKey === null || /^dense(_\d+)?$/.test(classKey)),
    );
    const values = await readFloats(layers.flatMap(({ arrays }) => arrays.map(({ path }) => path)));
    return layers.map(({ arrays }) => ({
      arrays: arrays.map(({ shape }) => ({ shape, values: values.shift() as Float32Array })),
    }));
  });
}

function describe(layers: H5Layer[]): string {
  const shapes = layers.map(({ arrays }) => arrays.map(({ shape }) => `[${shape}]`).join(''));
  return shapes.length <= 4 ? shapes.join(', ') : `${shapes.slice(0, 3).join(', ')}, ... (${shapes.length} layers)`;
}

/**
 * The specs that a network of these outputs may have, as far as its file says: every family and config, every length of
 * windows. Those of one network differ in the shapes of its layers.
 */
function* candidates(
  outputs: number,
  { normalization = 'range', residual = true }: H5Meaning,
): Generator<NowcasterSpec> {
  const horizons = Array.from({ length: outputs }, (_, i) => i + 1);
  for (const { id: family, configs, defaultConfig } of listFamilies())
    for (const config of configs ?? [defaultConfig])
      for (let inputLength = 2; inputLength <= 20; inputLength++) {
        const spec = { family, inputLength, horizons, normalization, residual, config };
        if (specProblem(spec) === null) yield spec;
      }
}

/** Whether the layers have the shapes of a network. */
function fits(network: Network, layers: H5Layer[]): boolean {
  if (network.layers.length !== layers.length) return false;
  return network.layers.every(({ inputs, units }, i) => {
    const { arrays } = layers[i];
    return (
      arrays.length === 2 && arrays[0].shape.join() === `${inputs},${units}` && arrays[1].shape.join() === `${units}`
    );
  });
}

/** The spec that a file's layers with weights have the shapes of; null when it is of no known network. */
function specOf(layers: H5Layer[], meaning: H5Meaning, fileName: string): NowcasterSpec | null {
  const head = layers.at(-1)?.arrays[0].shape;
  if (head === undefined || head.length !== 2 || head[1] > 20) return null;
  const outputs = head[1];
  for (const spec of candidates(outputs, meaning)) {
    if (!fits(networkOf(spec), layers)) continue;
    const horizons = meaning.horizons ?? (outputs === 1 ? [...PAPER_SPEC.horizons] : []);
    if (horizons.length === outputs) return { ...spec, horizons };
    throw new MismatchError({
      what: `a network of ${outputs} outputs, ${horizons.length} horizons`,
      where: fileName,
      remedy: 'say how many snapshots ahead each output predicts (--horizon 3,5,7)',
    });
  }
  return null;
}

/**
 * Decodes a Keras weight file of the network.
 *
 * @param fileName what to call the file in errors.
 * @throws {@link CorruptFileError} when it is no whole HDF5 file of Keras weights, {@link MismatchError} when its layers
 * are not those of the network.
 */
export async function decodeH5(bytes: Uint8Array, fileName: string, meaning: H5Meaning = {}): Promise<NetworkWeights> {
  const corrupt = (problem: string) =>
    new CorruptFileError({
      what: `not a whole HDF5 file of Keras weights (${problem})`,
      where: fileName,
      remedy: 'export or download it again',
    });
  if (bytes.length > MAX_FILE_BYTES) throw corrupt(`${bytes.length} bytes are far too many for a nowcaster`);
  const layers = await readLayers(bytes).catch((error) => {
    throw error instanceof H5Problem ? corrupt(error.message) : error;
  });
  const spec = specOf(layers, meaning, fileName);
  if (spec === null)
    throw new MismatchError({
      what: `its layers are not those of a nowcaster: ${describe(layers) || 'none has weights'}`,
      where: fileName,
      remedy: `give a weight file of one of the families: ${listFamilies()
        .map((family) => family.id)
        .join(', ')}`,
    });
  const { layers: layout, size } = networkOf(spec);
  const parameters = new Float32Array(size);
  for (const [i, { kernel, bias }] of layout.entries()) {
    parameters.set(layers[i].arrays[0].values, kernel);
    parameters.set(layers[i].arrays[1].values, bias);
  }
  checkParameters(spec, parameters, fileName);
  return { spec, parameters };
}

/**
 * Reads a Keras weight file of the network from disk.
 *
 * @throws {@link MissingFileError} and what {@link decodeH5} throws.
 */
export async function readH5(path: string, meaning: H5Meaning = {}): Promise<NetworkWeights> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw new MissingFileError({
      what: 'cannot read the weight file',
      where: path,
      remedy: 'give the path of a Keras .h5 file',
      cause,
    });
  }
  return decodeH5(bytes, path, meaning);
}
