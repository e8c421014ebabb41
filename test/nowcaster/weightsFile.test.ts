import { describe, expect, test } from 'vitest';
import { CorruptFileError, MismatchError, SchemaVersionError } from '../../src/errors.js';
import { decodeSafetensors, encodeSafetensors } from '../../src/formats/safetensors.js';
import { initParameters } from '../../src/network/init.js';
import { networkOf, PAPER_SPEC } from '../../src/nowcaster/spec.js';
import { decodeWeights, encodeWeights } from '../../src/nowcaster/weightsFile.js';
import { SPECS } from '../families/wnn/samples.js';

test('every variant comes back bit by bit, and equal input gives equal bytes', () => {
  for (const spec of Object.values(SPECS)) {
    const parameters = initParameters(networkOf(spec), 1);
    const bytes = encodeWeights(spec, parameters);
    expect(encodeWeights(spec, parameters)).toEqual(bytes);
    expect(decodeWeights(bytes, 'file')).toEqual({ spec, parameters });
  }
});

test('arrays are named by layer, kernels [in, out]', () => {
  const { tensors } = decodeSafetensors(encodeWeights(PAPER_SPEC, initParameters(networkOf(PAPER_SPEC), 1)), 'file');
  expect(Object.keys(tensors).slice(0, 4)).toEqual([
    'values_in/kernel',
    'values_in/bias',
    'differences_in/kernel',
    'differences_in/bias',
  ]);
  expect(tensors['differences_in/kernel'].shape).toEqual([4, 64]);
  expect(tensors['head/kernel'].shape).toEqual([64, 1]);
});

describe('what does not fit is refused', () => {
  const parts = () => decodeSafetensors(encodeWeights(PAPER_SPEC, initParameters(networkOf(PAPER_SPEC), 1)), 'file');
  const encode = ({ tensors, metadata }: ReturnType<typeof parts>) => encodeSafetensors(tensors, metadata);

  test('another safetensors file', () => {
    const { tensors } = parts();
    expect(() => decodeWeights(encodeSafetensors(tensors), 'x')).toThrow(MismatchError);
  });

  test('another schema version', () => {
    const file = parts();
    file.metadata.schemaVersion = '2';
    expect(() => decodeWeights(encode(file), 'x')).toThrow(SchemaVersionError);
  });

  test('a missing layer, another shape, a wrong spec', () => {
    const missing = parts();
    delete missing.tensors['head/bias'];
    expect(() => decodeWeights(encode(missing), 'x')).toThrow(/head\/bias is missing/);
    const reshaped = parts();
    reshaped.tensors['head/kernel'] = { ...reshaped.tensors['head/kernel'], shape: [1, 64] };
    expect(() => decodeWeights(encode(reshaped), 'x')).toThrow(/head\/kernel has shape \[1,64\], expected \[64,1\]/);
    const longer = parts();
    longer.metadata.spec = JSON.stringify({ ...PAPER_SPEC, inputLength: 50 });
    expect(() => decodeWeights(encode(longer), 'x')).toThrow(/inputLength must be a whole number from 2 to 20, not 50/);
  });

  test('a weight that is not finite', () => {
    const parameters = initParameters(networkOf(PAPER_SPEC), 1);
    parameters[700] = Number.NaN;
    expect(() => decodeWeights(encodeWeights(PAPER_SPEC, parameters), 'x')).toThrow(CorruptFileError);
    expect(() => decodeWeights(encodeWeights(PAPER_SPEC, parameters), 'x')).toThrow(/differences_in\/bias is NaN/);
  });
});
