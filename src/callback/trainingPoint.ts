// Where a training stands, kept in memory so that it can go back: all weights of the network and the optimizer's state.

import * as tf from '@tensorflow/tfjs-core';
import { isModel, type TrainedNetwork } from './trainedNetwork.js';

/** One array of an optimizer: a moment of a weight, or the count of its steps. */
interface OptimizerArray {
  name: string;
  shape: number[];
  values: Float32Array | Int32Array;
}

/** Weights and optimizer state of one moment. Plain data. */
export interface TrainingPoint {
  /** In the order of the network's weights. */
  weights: (Float32Array | Int32Array)[];
  /** As the optimizer's `getWeights` lists them; null where it cannot be reached. */
  optimizer: OptimizerArray[] | null;
}

/** A weight of a model, or a variable. */
interface Weight {
  read(): tf.Tensor;
  write(value: tf.Tensor): void;
}

function weightsOf(network: TrainedNetwork): Weight[] {
  if (isModel(network)) return network.weights;
  return Object.values(network).map((variable) => ({
    read: () => variable,
    write: (value) => variable.assign(value as tf.Tensor<tf.Rank>),
  }));
}

type NamedTensors = Awaited<ReturnType<tf.Optimizer['getWeights']>>;

/** The optimizer's arrays; null when it cannot list them, as Adamax of TensorFlow.js. */
async function listArrays(optimizer: tf.Optimizer | null): Promise<NamedTensors | null> {
  try {
    return (await optimizer?.getWeights()) ?? null;
  } catch {
    return null;
  }
}

/** The count of steps, unlike the optimizer's variables, is a tensor made for the caller. */
const isVariable = (tensor: tf.Tensor): boolean => typeof (tensor as Partial<tf.Variable>).assign === 'function';

async function copyOf(tensor: tf.Tensor): Promise<Float32Array | Int32Array> {
  // The backend may hand out its own memory.
  return ((await tensor.data()) as Float32Array | Int32Array).slice();
}

/** Reads where a training stands. */
export async function readTrainingPoint(
  network: TrainedNetwork,
  optimizer: tf.Optimizer | null,
): Promise<TrainingPoint> {
  const weights = await Promise.all(weightsOf(network).map((weight) => copyOf(weight.read())));
  const arrays = await listArrays(optimizer);
  if (arrays === null) return { weights, optimizer: null };
  const copies = await Promise.all(
    arrays.map(async ({ name, tensor }) => ({ name, shape: tensor.shape, values: await copyOf(tensor) })),
  );
  tf.dispose(arrays.map(({ tensor }) => tensor).filter((tensor) => !isVariable(tensor)));
  return { weights, optimizer: copies };
}

/** Takes a training back to where it stood. The learning rate stays as it is. */
export async function returnToPoint(
  point: TrainingPoint,
  network: TrainedNetwork,
  optimizer: tf.Optimizer | null,
): Promise<void> {
  tf.tidy(() => {
    for (const [i, weight] of weightsOf(network).entries()) {
      const { shape, dtype } = weight.read();
      // A copy: the backend may keep the array, and a stopped training may have to go back to the same point.
      weight.write(tf.tensor(point.weights[i].slice(), shape, dtype));
    }
  });
  if (point.optimizer === null || optimizer === null) return;
  const replaced = await listArrays(optimizer);
  const arrays = point.optimizer.map(({ name, shape, values }) => ({ name, tensor: tf.tensor(values.slice(), shape) }));
  await optimizer.setWeights(arrays);
  tf.dispose([...arrays, ...(replaced ?? [])].map(({ tensor }) => tensor));
}

/** Bytes that a point takes. */
export function bytesOfPoint({ weights, optimizer }: TrainingPoint): number {
  return [...weights, ...(optimizer ?? []).map(({ values }) => values)].reduce(
    (sum, { byteLength }) => sum + byteLength,
    0,
  );
}
