// Small runs for the tests of the trajectory store.

import type { RunInfo, Snapshot, TensorSpec } from '../../src/trajectory/schema.js';

export const TENSORS: TensorSpec[] = [
  { name: 'conv2d/kernel', kind: 'conv', shape: [3, 3, 2, 4] },
  { name: 'conv2d/bias', kind: 'bias', shape: [4] },
  { name: 'bn/gamma', kind: 'norm', shape: [4] },
  { name: 'dense/kernel', kind: 'fc', shape: [40, 50] },
  { name: 'step', kind: 'other', shape: [] },
];

export function runInfo(id: string): RunInfo {
  return {
    id,
    source: 'zoo',
    task: 'mnist',
    architecture: 'lenet',
    optimizer: { name: 'adam', learningRate: 0.001 },
    hyperparameters: { batchSize: 32 },
    seed: 7,
    engine: 'wasm',
    epochsPlanned: 12,
  };
}

/** Bit patterns that a careless copy through numbers or text would change. */
export const WILD_BITS = Uint32Array.of(
  0x80000000,
  0x00000001,
  0x807fffff,
  0x7f7fffff,
  0x7f800000,
  0xff800000,
  0x7fc00001,
  0xffc12345,
  0x3f800001,
  0,
);

/** Values that follow from epoch, tensor and position by arithmetic alone; the first tensor begins with wild bits. */
export function makeSnapshot(epoch: number, tensors = TENSORS): Snapshot {
  const values = tensors.map(({ shape }, t) => {
    const array = new Float32Array(shape.reduce((a, b) => a * b, 1));
    for (let i = 0; i < array.length; i++) array[i] = Math.sin(i * 12.9898 + t * 78.233) * 0.05 + epoch * 1e-3;
    return array;
  });
  if (values[0].length >= WILD_BITS.length) new Uint32Array(values[0].buffer).set(WILD_BITS);
  return { epoch, values, metrics: { loss: 1 / (epoch + 1), acc: 0.1 * epoch } };
}

export function bits(values: Float32Array): number[] {
  return Array.from(new Uint32Array(values.slice().buffer));
}

export async function collectAll<T>(items: AsyncIterable<T> | Iterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
