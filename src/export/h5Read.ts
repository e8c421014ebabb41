// Reads a network from a Keras weight file, of Keras 2 or 3, by the order of its layers: their names differ from file to
// file. What HDF5 and Keras's layouts are is known to the room hdf5.

import { readFile } from 'node:fs/promises';
import { CorruptFileError, MismatchError, MissingFileError } from '../errors.js';
import { listKerasWeights } from '../hdf5/kerasLayout.js';
import { H5Problem, readH5File } from '../hdf5/reader.js';
import { CODE, FEATURES, layoutOf, STREAM_OUTPUTS } from '../nowcaster/layout.js';
import { PAPER_SPEC, specProblem, type WnnSpec } from '../nowcaster/spec.js';
import { checkParameters, type NetworkWeights } from '../nowcaster/weightsFile.js';

/** A weight file of a nowcaster has about 100 kB. */
const MAX_FILE_BYTES = 50_000_000;

/** What a weight file does not say about its network. */
export interface H5Meaning {
  /** Default `range`; the KNOWN networks have `none`. */
  normalization?: WnnSpec['normalization'];
  /** Epochs ahead of each output. Default `[5]` for a network of one output; needed for one of more. */
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

/** The spec that a file's layers with weights have the shapes of; null when it is not one of this network. */
function specOf(layers: H5Layer[], meaning: H5Meaning, fileName: string): WnnSpec | null {
  const kernels = layers.map(({ arrays }) => arrays[0].shape);
  const head = kernels.at(-1);
  if (head === undefined || kernels[0].length !== 2 || head.length !== 2) return null;
  const variants: Record<number, Pick<WnnSpec, 'streams' | 'activation'>> = {
    13: { streams: 'both', activation: 'network' },
    7: { streams: 'values', activation: 'network' },
    5: { streams: 'both', activation: 'relu' },
    3: { streams: 'values', activation: 'relu' },
  };
  const variant = variants[layers.length];
  if (variant === undefined) return null;
  const outputs = head[1];
  const horizons = meaning.horizons ?? (outputs === 1 ? [...PAPER_SPEC.horizons] : []);
  const spec: WnnSpec = {
    inputLength: kernels[0][0],
    horizons: Array.from({ length: outputs }, (_, i) => i + 1),
    normalization: meaning.normalization ?? 'range',
    ...variant,
    residual: meaning.residual ?? true,
  };
  if (specProblem(spec) !== null || !fits(spec, layers)) return null;
  if (horizons.length !== outputs)
    throw new MismatchError({
      what: `a network of ${outputs} outputs, ${horizons.length} horizons`,
      where: fileName,
      remedy: 'say how many epochs ahead each output predicts (--horizons 3,5,7)',
    });
  return { ...spec, horizons };
}

function fits(spec: WnnSpec, layers: H5Layer[]): boolean {
  const expected = layoutOf(spec).layers;
  return expected.every(({ inputs, units }, i) => {
    const { arrays } = layers[i];
    return (
      arrays.length === 2 && arrays[0].shape.join() === `${inputs},${units}` && arrays[1].shape.join() === `${units}`
    );
  });
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
      remedy: `give a weight file of the network: Dense ${FEATURES}, ${CODE}, ${FEATURES}, ${FEATURES}, ${FEATURES}, ${STREAM_OUTPUTS} a stream, then the head`,
    });
  const { layers: layout, size } = layoutOf(spec);
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
