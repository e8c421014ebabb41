// Imports the .mat files of the KNOW dataset: HDF5 (MATLAB 7.3) with ConvWeights (3, 3, N, 7), FCWeights (M, 7) and
// Bias (K, 7), whose last axis is the trajectory. One file is a run by itself.

import { corruptFile } from '../../formats/corruptFile.js';
import { readWholeFile } from '../../formats/inputFile.js';
import { reverseAxes } from '../../formats/permuteAxes.js';
import { type H5Node, H5Problem, readH5File } from '../../hdf5/reader.js';
import type { TensorKind } from '../../trajectory/schema.js';
import type { CheckpointImporter, ListedTensor } from './importer.js';

const ARRAYS: Record<string, { kind: TensorKind; rank: number }> = {
  ConvWeights: { kind: 'conv', rank: 4 },
  FCWeights: { kind: 'fc', rank: 2 },
  Bias: { kind: 'bias', rank: 2 },
};
const EPOCHS = 7;
const FORMAT = 'KNOW .mat';
const MATLAB_5 = 'MATLAB 5.0';

interface FoundArray {
  name: string;
  kind: TensorKind;
  path: string;
  shape: number[];
}

function findArrays(nodes: H5Node[]): FoundArray[] {
  return Object.entries(ARRAYS).flatMap(([name, { kind, rank }]) => {
    const dataset = nodes.find(({ path }) => path === `/${name}`)?.dataset;
    if (!dataset) return [];
    const { shape } = dataset;
    if (shape.length !== rank) throw new H5Problem(`${name} has the shape [${shape}]`);
    return [{ name, kind, path: `/${name}`, shape }];
  });
}

/**
 * Whether the axes stand reversed, as MATLAB stores them: then the trajectory is the first one.
 * All arrays must agree; MATLAB marks its arrays where both axes would fit.
 */
function areReversed(arrays: FoundArray[], nodes: H5Node[]): boolean {
  const first = arrays.every(({ shape }) => shape[0] === EPOCHS);
  const last = arrays.every(({ shape }) => shape.at(-1) === EPOCHS);
  if (first && last) return nodes.some(({ attributes }) => Object.hasOwn(attributes, 'MATLAB_class'));
  if (first || last) return first;
  throw new H5Problem(
    `${arrays.map(({ name, shape }) => `${name} [${shape}]`).join(', ')}: no axis of ${EPOCHS} epochs`,
  );
}

/** One epoch out of an array that holds all of them. */
function takeEpoch(
  { name, kind, shape }: FoundArray,
  all: Float32Array,
  epoch: number,
  reversed: boolean,
): ListedTensor {
  const size = all.length / EPOCHS;
  const common = { name, kind, type: 'f32' as const };
  if (reversed) {
    const stored = shape.slice(1);
    const read = () => reverseAxes(all.subarray(epoch * size, (epoch + 1) * size), stored);
    return { ...common, shape: stored.toReversed(), read };
  }
  const read = () => Float32Array.from({ length: size }, (_, i) => all[i * EPOCHS + epoch]);
  return { ...common, shape: shape.slice(0, -1), read };
}

/** `.mat` of the KNOW dataset. */
export const matImporter: CheckpointImporter = {
  id: 'mat',
  describe: '.mat of the KNOW dataset, each a run by itself',
  ending: /\.mat$/i,
  recognizes: ({ text, name }) => text.startsWith('MATLAB') || (text.startsWith('\x89HDF') && /\.mat$/i.test(name)),
  isTrajectory: true,
  open: async (path, take) => {
    const bytes = await readWholeFile(path, FORMAT);
    if (Buffer.from(bytes.buffer, 0, Math.min(bytes.length, MATLAB_5.length)).toString('latin1') === MATLAB_5)
      throw corruptFile(path, FORMAT, "it is of MATLAB's version 5: save it with -v7.3");
    const epochs = await readTrajectory(bytes).catch((error: unknown) => {
      throw error instanceof H5Problem ? corruptFile(path, FORMAT, error.message) : error;
    });
    for (const tensors of epochs) await take({ tensors });
  },
};

function readTrajectory(bytes: Uint8Array): Promise<ListedTensor[][]> {
  return readH5File(bytes, async ({ nodes, readFloats }) => {
    const arrays = findArrays(nodes);
    if (arrays.length === 0) throw new H5Problem(`it holds none of ${Object.keys(ARRAYS).join(', ')}`);
    const reversed = areReversed(arrays, nodes);
    const values = await readFloats(arrays.map((array) => array.path));
    return Array.from({ length: EPOCHS }, (_, epoch) =>
      arrays.map((array, i) => takeEpoch(array, values[i], epoch, reversed)),
    );
  });
}
