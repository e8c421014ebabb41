// The file of one network's parameters, used by training checkpoints and by export: safetensors with one float32
// array per layer array, `<layer>/kernel` and `<layer>/bias`, and the spec in the metadata.

import { CorruptFileError, MismatchError, SchemaVersionError } from '../errors.js';
import { parseJson } from '../formats/parseJson.js';
import {
  decodeSafetensors,
  encodeSafetensors,
  float32OfTensor,
  type SafeTensor,
  tensorOfFloat32,
} from '../formats/safetensors.js';
import type { NowcasterSpec } from '../network/spec.js';
import { checkParameters } from './parameters.js';
import { networkOf, specProblem } from './spec.js';

/** Version of the file's content; written to the metadata and checked by the reader. */
const WEIGHTS_SCHEMA_VERSION = 1;

/** One network: its spec and its flat parameters, as {@link networkOf} lays them out. */
export interface NetworkWeights {
  spec: NowcasterSpec;
  parameters: Float32Array;
}

/** Encodes a network as safetensors. The same input gives the same bytes. */
export function encodeWeights(spec: NowcasterSpec, parameters: Float32Array): Uint8Array {
  const tensors: Record<string, SafeTensor> = {};
  for (const { name, shape, start, end } of networkOf(spec).arrays)
    tensors[name] = tensorOfFloat32(shape, parameters.subarray(start, end));
  return encodeSafetensors(tensors, {
    format: 'wnn-weights',
    schemaVersion: String(WEIGHTS_SCHEMA_VERSION),
    spec: JSON.stringify(spec),
  });
}

/**
 * Decodes a network that {@link encodeWeights} encoded.
 *
 * @param fileName what to call the file in errors.
 * @throws {@link CorruptFileError}, {@link SchemaVersionError}, {@link MismatchError}
 */
export function decodeWeights(bytes: Uint8Array, fileName: string): NetworkWeights {
  const { tensors, metadata } = decodeSafetensors(bytes, fileName);
  if (metadata.format !== 'wnn-weights')
    throw new MismatchError({
      what: 'a safetensors file, but not of a weight nowcaster',
      where: fileName,
      remedy: 'give a file that wnn train or wnn export wrote',
    });
  if (metadata.schemaVersion !== String(WEIGHTS_SCHEMA_VERSION))
    throw new SchemaVersionError({
      what: `schema version ${metadata.schemaVersion}, this version reads ${WEIGHTS_SCHEMA_VERSION}`,
      where: fileName,
      remedy: 'use the toolkit version that wrote it, or train again',
    });
  const spec = parseSpec(metadata.spec, fileName);
  const { size, arrays } = networkOf(spec);
  const parameters = new Float32Array(size);
  for (const { name, shape, start } of arrays) {
    const tensor = tensors[name];
    if (tensor === undefined || tensor.shape.join() !== shape.join())
      throw new MismatchError({
        what: `${name} ${tensor ? `has shape [${tensor.shape}]` : 'is missing'}, expected [${shape}]`,
        where: fileName,
        remedy: 'use a file of the network that its spec describes',
      });
    parameters.set(float32OfTensor(tensor), start);
  }
  checkParameters(spec, parameters, fileName);
  return { spec, parameters };
}

function parseSpec(text: string | undefined, fileName: string): NowcasterSpec {
  let spec: unknown;
  try {
    spec = parseJson(text ?? '');
  } catch {
    spec = null;
  }
  const problem = specProblem(spec);
  if (problem !== null)
    throw new CorruptFileError({ what: problem, where: `${fileName}, metadata spec`, remedy: 'export it again' });
  return spec as NowcasterSpec;
}
