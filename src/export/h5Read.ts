// Reads a network from a Keras weight file, of Keras 2 or 3, by the order of its layers: their names differ from file to
// file. The HDF5 library works in a thread (h5Worker.ts), so that no file can crash or stall the process.

import { readFile } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import { CorruptFileError, MismatchError, MissingFileError } from '../errors.js';
import { CODE, FEATURES, layoutOf, STREAM_OUTPUTS } from '../nowcaster/layout.js';
import { PAPER_SPEC, specProblem, type WnnSpec } from '../nowcaster/spec.js';
import { checkParameters, type NetworkWeights } from '../nowcaster/weightsFile.js';
import type { H5Layer, H5Reply, H5Request } from './h5Protocol.js';

/** Time that a file may take. A whole one takes a few milliseconds; a corrupt one may never end. */
const TIME_LIMIT_MS = 10_000;
/** A weight file of a nowcaster has about 100 kB. */
const MAX_FILE_BYTES = 50_000_000;

/** What a weight file does not say about its network. */
export interface H5Meaning {
  /** Default `range`; the KNOWN networks have `none`. */
  normalisation?: WnnSpec['normalisation'];
  /** Epochs ahead of each output. Default `[5]` for a network of one output; needed for one of more. */
  horizons?: number[];
  /** Default true. */
  residual?: boolean;
}

/** Threads at rest, for the next file: starting one costs as much as reading hundreds of files. */
const resting: Worker[] = [];

function startWorker(): Worker {
  // Under vitest this module is TypeScript and the thread's code is only in the build.
  const folder = import.meta.url.endsWith('.ts') ? '../../dist/export/' : './';
  const worker = new Worker(new URL(`${folder}h5Worker.js`, import.meta.url));
  worker.unref();
  // A thread that ends while it rests must neither end the process nor be used again.
  worker.on('error', () => {});
  worker.on('exit', () => {
    const index = resting.indexOf(worker);
    if (index >= 0) resting.splice(index, 1);
  });
  return worker;
}

/** Has a thread take the file apart; ends the thread when it is stuck or its library may be damaged. */
async function readLayers(bytes: Uint8Array): Promise<H5Reply> {
  const worker = resting.pop() ?? startWorker();
  worker.ref();
  const reply = await new Promise<H5Reply>((resolve) => {
    const settle = (outcome: H5Reply) => {
      clearTimeout(timer);
      worker.off('message', settle).off('error', fail).off('exit', fail);
      resolve(outcome);
    };
    const fail = () => settle({ problem: 'the HDF5 library cannot read it', poisoned: true });
    const timer = setTimeout(
      () => settle({ problem: 'the HDF5 library does not come to an end', poisoned: true }),
      TIME_LIMIT_MS,
    );
    worker.on('message', settle).on('error', fail).on('exit', fail);
    worker.postMessage({ bytes } satisfies H5Request);
  });
  if ('poisoned' in reply && reply.poisoned) await worker.terminate();
  else {
    worker.unref();
    resting.push(worker);
  }
  return reply;
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
    normalisation: meaning.normalisation ?? 'range',
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
  const reply = await readLayers(bytes);
  if ('problem' in reply) throw corrupt(reply.problem);
  const layers = reply.layers.filter(({ arrays }) => arrays.length > 0);
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
