// Imports the .mat files of the KNOW meta-data set: HDF5 (MATLAB 7.3) with ConvWeights (3, 3, N, 7), FCWeights (M, 7) and
// Bias (K, 7), whose last axis is the trajectory. One file is a run by itself.

import { type H5Node, H5Problem, readH5File } from '../../hdf5/reader.js';
import type { TensorKind } from '../../trajectory/schema.js';
import { type Checkpoint, type CheckpointReader, type CheckpointTensor, corruptCheckpoint } from './checkpoint.js';
import { readWholeFile } from './inputFile.js';
import { reverseAxes } from './permuteAxes.js';

const ARRAYS: Record<string, { kind: TensorKind; rank: number }> = {
  ConvWeights: { kind: 'conv', rank: 4 },
  FCWeights: { kind: 'fc', rank: 2 },
  Bias: { kind: 'bias', rank: 2 },
};
const EPOCHS = 7;
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

/** The values of one epoch out of an array that holds all of them. */
function takeEpoch(
  { name, kind, shape }: FoundArray,
  all: Float32Array,
  epoch: number,
  reversed: boolean,
): CheckpointTensor {
  const size = all.length / EPOCHS;
  if (reversed) {
    const stored = shape.slice(1);
    const values = reverseAxes(all.subarray(epoch * size, (epoch + 1) * size), stored);
    return { name, kind, shape: stored.reverse(), values };
  }
  const values = new Float32Array(size);
  for (let i = 0; i < size; i++) values[i] = all[i * EPOCHS + epoch];
  return { name, kind, shape: shape.slice(0, -1), values };
}

export const readKnowTrajectory: CheckpointReader = async function* (path) {
  const format = 'KNOW .mat';
  const bytes = await readWholeFile(path, format);
  if (Buffer.from(bytes.buffer, 0, Math.min(bytes.length, MATLAB_5.length)).toString('latin1') === MATLAB_5)
    throw corruptCheckpoint(path, format, "it is of MATLAB's version 5: save it with -v7.3");
  let snapshots: Checkpoint[];
  try {
    snapshots = await readH5File(bytes, async ({ nodes, readFloats }) => {
      const arrays = findArrays(nodes);
      if (arrays.length === 0) throw new H5Problem(`it holds none of ${Object.keys(ARRAYS).join(', ')}`);
      const reversed = areReversed(arrays, nodes);
      const values = await readFloats(arrays.map((array) => array.path));
      return Array.from({ length: EPOCHS }, (_, epoch) => ({
        tensors: arrays.map((array, i) => takeEpoch(array, values[i], epoch, reversed)),
        leftOut: { optimizer: 0, notFloat: 0 },
      }));
    });
  } catch (error) {
    if (error instanceof H5Problem) throw corruptCheckpoint(path, format, error.message);
    throw error;
  }
  yield* snapshots;
};
