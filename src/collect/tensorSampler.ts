// Reads some scalars of each tensor of a network, always the same ones, and the statistics of whole tensors: what a sampled
// run records of a snapshot. Whole tensors are read where they lie, or reduced on the GPU.

import * as tf from '@tensorflow/tfjs-core';
import { countValues } from '../trajectory/manifest.js';
import { choosePositions, type Positions } from '../trajectory/sampling.js';
import type { TensorSpec, TensorStatistics } from '../trajectory/schema.js';
import { describeTensors, listTensors, type Network } from './namedTensors.js';

/** What is read of one tensor. */
interface TensorSample {
  values: Float32Array;
  statistics: TensorStatistics;
}

/** What is read of a network. */
export interface NetworkSample {
  /** The chosen scalars of each tensor, or all of a small one. */
  values: Float32Array[];
  /** Of each tensor as a whole. */
  statistics: TensorStatistics[];
}

/** Reads one tensor again and again. */
interface TensorReader {
  read(tensor: tf.Tensor): Promise<TensorSample>;
  dispose(): void;
}

/** Samples the snapshots of one run. It holds the values of the last snapshot, one copy of the network. */
export class TensorSampler {
  /** The tensors as the run records them. */
  readonly tensors: TensorSpec[];
  /** Of the tensors that are not recorded whole. */
  readonly positions: Positions;
  readonly #readers: TensorReader[];

  /**
   * @param scalarsPerTensor scalars that are chosen of each tensor that has more.
   * @param seed decides, with the name of a tensor, which ones.
   */
  constructor(network: Network, { scalarsPerTensor, seed }: { scalarsPerTensor: number; seed: number }) {
    const positions = new Map<string, Uint32Array>();
    this.tensors = describeTensors(network).map((spec) => {
      const size = countValues(spec.shape);
      if (size <= scalarsPerTensor) return spec;
      positions.set(spec.name, choosePositions(seed, spec.name, size, scalarsPerTensor));
      return { ...spec, shape: [scalarsPerTensor], sampledFrom: spec.shape };
    });
    this.positions = positions;
    this.#readers = listTensors(network).map(({ name, read }) => readerFor(read(), positions.get(name) ?? null));
  }

  /** Reads the current values. */
  async read(network: Network): Promise<NetworkSample> {
    const samples: TensorSample[] = [];
    // One after the other, so that no more than one tensor is copied at a time.
    for (const [i, { read }] of listTensors(network).entries()) samples.push(await this.#readers[i].read(read()));
    return { values: samples.map(({ values }) => values), statistics: samples.map(({ statistics }) => statistics) };
  }

  /** Frees what it holds on the device. */
  dispose(): void {
    for (const reader of this.#readers) reader.dispose();
  }
}

/** The backend that holds a tensor; undefined for a tensor of another copy of TensorFlow.js. */
const backendOf = (tensor: tf.Tensor) => tf.engine().state.tensorInfo.get(tensor.dataId)?.backend;

/** Backends whose tensors are in the memory of this process, where reading costs less than reducing by operations. */
const IN_MEMORY = ['cpu', 'wasm'];

function readerFor(tensor: tf.Tensor, positions: Uint32Array | null): TensorReader {
  const isOnDevice = backendOf(tensor) === tf.backend() && !IN_MEMORY.includes(tf.getBackend());
  return isOnDevice && tensor.dtype === 'float32' ? deviceReader(positions) : memoryReader(positions);
}

/** The values of a tensor: in WebAssembly's memory where they are there, valid until the next operation; else a copy. */
async function valuesOf(tensor: tf.Tensor): Promise<Float32Array> {
  const backend = backendOf(tensor) as { typedArrayFromHeap?(tensor: tf.Tensor): tf.TypedArray } | undefined;
  const values = backend?.typedArrayFromHeap?.(tensor) ?? (await tensor.data());
  return values instanceof Float32Array ? values : Float32Array.from(values as Iterable<number>);
}

const meanAndRoot = (sum: number, squares: number, size: number): [number, number] =>
  size === 0 ? [0, 0] : [sum / size, Math.sqrt(squares / size)];

function pick(all: Float32Array, positions: Uint32Array): Float32Array {
  const values = new Float32Array(positions.length);
  for (let i = 0; i < positions.length; i++) values[i] = all[positions[i]];
  return values;
}

/** One pass over the values. Sums are float64. */
export function memoryReader(positions: Uint32Array | null): TensorReader {
  let previous: Float32Array | undefined;
  return {
    async read(tensor) {
      const all = await valuesOf(tensor);
      const values = positions === null ? all.slice() : pick(all, positions);
      const isFirst = previous === undefined;
      previous ??= all.slice();
      const sums = addUp(all, previous);
      const [mean, rms] = meanAndRoot(sums.values, sums.squares, all.length);
      const [changeMean, changeRms] = meanAndRoot(sums.changes, sums.changeSquares, all.length);
      const changes = isFirst ? { changeMean: Number.NaN, changeRms: Number.NaN } : { changeMean, changeRms };
      return { values, statistics: { mean, rms, ...changes } };
    },
    dispose() {
      previous = undefined;
    },
  };
}

/** Values that stay in the cache between being added up and being kept. */
const MEMORY_BLOCK = 8192;

/** Sums over values and their changes; `previous` becomes the values. */
function addUp(all: Float32Array, previous: Float32Array) {
  const sums = { values: 0, squares: 0, changes: 0, changeSquares: 0 };
  for (let start = 0; start < all.length; start += MEMORY_BLOCK) {
    const block = all.subarray(start, start + MEMORY_BLOCK);
    const before = previous.subarray(start, start + MEMORY_BLOCK);
    addBlock(sums, block, before);
    before.set(block);
  }
  return sums;
}

function addBlock(sums: ReturnType<typeof addUp>, all: Float32Array, previous: Float32Array): void {
  // Two of each sum, and four values a turn, so that an addition seldom waits for the one before.
  let [a, aa, da, daa, b, bb, db, dbb] = [0, 0, 0, 0, 0, 0, 0, 0];
  const whole = all.length - (all.length % 4);
  for (let i = 0; i < whole; i += 4) {
    const x = all[i];
    const y = all[i + 1];
    const z = all[i + 2];
    const w = all[i + 3];
    const dx = x - previous[i];
    const dy = y - previous[i + 1];
    const dz = z - previous[i + 2];
    const dw = w - previous[i + 3];
    a += x + y;
    b += z + w;
    aa += x * x + y * y;
    bb += z * z + w * w;
    da += dx + dy;
    db += dz + dw;
    daa += dx * dx + dy * dy;
    dbb += dz * dz + dw * dw;
  }
  for (let i = whole; i < all.length; i++) {
    const dx = all[i] - previous[i];
    a += all[i];
    aa += all[i] * all[i];
    da += dx;
    daa += dx * dx;
  }
  sums.values += a + b;
  sums.squares += aa + bb;
  sums.changes += da + db;
  sums.changeSquares += daa + dbb;
}

/** Values that are added up on the device in float32; their sums are added up here in float64. */
const DEVICE_BLOCK = 1024;

/** Gathers and reduces on the device. The last values stay there: tensors do not change, so keeping one copies nothing. */
export function deviceReader(positions: Uint32Array | null): TensorReader {
  let previous: tf.Tensor1D | undefined;
  const indices = positions && tf.keep(tf.tensor1d(Int32Array.from(positions), 'int32'));
  return {
    async read(tensor) {
      const [chosen, sums, flat] = tf.tidy(() => {
        const flat = tf.reshape(tensor, [tensor.size]) as tf.Tensor1D;
        const change = previous === undefined ? tf.zerosLike(flat) : tf.sub(flat, previous);
        const sums = [flat, tf.square(flat), change, tf.square(change)].map((terms) => sumBlocks(terms as tf.Tensor1D));
        return [indices === null ? tf.clone(flat) : tf.gather(flat, indices), tf.stack(sums), tf.keep(flat)] as const;
      });
      const isFirst = previous === undefined;
      previous?.dispose();
      previous = flat;
      const [values, partial] = (await Promise.all([chosen.data(), sums.data()])) as [Float32Array, Float32Array];
      tf.dispose([chosen, sums]);
      const each = partial.length / 4;
      const totals = [0, 1, 2, 3].map((row) =>
        partial.subarray(row * each, (row + 1) * each).reduce((sum, term) => sum + term, 0),
      );
      const [mean, rms] = meanAndRoot(totals[0], totals[1], tensor.size);
      const [changeMean, changeRms] = isFirst
        ? [Number.NaN, Number.NaN]
        : meanAndRoot(totals[2], totals[3], tensor.size);
      return { values: values.slice(), statistics: { mean, rms, changeMean, changeRms } };
    },
    dispose() {
      previous?.dispose();
      previous = undefined;
      indices?.dispose();
    },
  };
}

/** [ceil(size / block)]: sums of successive values. */
function sumBlocks(flat: tf.Tensor1D): tf.Tensor1D {
  const padding = (DEVICE_BLOCK - (flat.size % DEVICE_BLOCK)) % DEVICE_BLOCK;
  return tf.sum(tf.reshape(tf.pad1d(flat, [0, padding]), [-1, DEVICE_BLOCK]), 1);
}
