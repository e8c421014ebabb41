import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CorruptFileError } from '../../src/errors.js';
import {
  decodeSafetensors,
  encodeSafetensors,
  float32OfTensor,
  type SafeTensor,
  type SafetensorsDtype,
  tensorOfFloat32,
} from '../../src/formats/safetensors.js';

/** A file as the format's specification describes it, from its parts. */
function file(header: unknown, data: number[] = []): Uint8Array {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  bytes.set(data, 8 + text.length);
  return bytes;
}

test('a file written by the specification is read', () => {
  const bytes = file(
    { b: { dtype: 'F32', shape: [1, 2], data_offsets: [2, 10] }, a: { dtype: 'U8', shape: [2], data_offsets: [0, 2] } },
    [7, 8, 0, 0, 128, 63, 0, 0, 0, 192],
  );
  const { tensors } = decodeSafetensors(bytes, 'file');
  expect(Object.keys(tensors)).toEqual(['a', 'b']);
  expect([...float32OfTensor(tensors.a)]).toEqual([7, 8]);
  expect([...float32OfTensor(tensors.b)]).toEqual([1, -2]);
});

test('what is encoded is decoded, whatever names, shapes and metadata', () => {
  const tensor = fc.array(fc.nat(4), { maxLength: 3 }).chain((shape) => {
    const size = shape.reduce((product, n) => product * n, 1);
    return fc
      .array(fc.float({ noNaN: true }), { minLength: size, maxLength: size })
      .map((values) => tensorOfFloat32(shape, Float32Array.from(values)));
  });
  // Object keys that are whole numbers would change places.
  const name = fc.string({ minLength: 1 }).filter((text) => !/^\d+$/.test(text) && text !== '__proto__');
  fc.assert(
    fc.property(fc.dictionary(name, tensor), fc.dictionary(name, fc.string()), (tensors, metadata) => {
      const bytes = encodeSafetensors(tensors, metadata);
      const decoded = decodeSafetensors(bytes, 'file');
      expect(Object.entries(decoded.metadata)).toEqual(Object.entries(metadata));
      expect(new Set(Object.keys(decoded.tensors))).toEqual(new Set(Object.keys(tensors)));
      for (const [key, { shape, data }] of Object.entries(tensors)) {
        expect(decoded.tensors[key].shape).toEqual(shape);
        expect([...decoded.tensors[key].data]).toEqual([...data]);
      }
    }),
  );
});

test('all element types become float32', () => {
  const bytesOf = (array: ArrayBufferView) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  const cases: [SafetensorsDtype, ArrayBufferView, number[]][] = [
    ['F64', Float64Array.of(0.1, -3), [Math.fround(0.1), -3]],
    ['F16', Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x7bff, 0x7c00), [1, -2, 2 ** -24, 65504, Number.POSITIVE_INFINITY]],
    ['BF16', Uint16Array.of(0x3f80, 0xc040), [1, -3]],
    ['I64', BigInt64Array.of(-5n, 2n ** 40n), [-5, 2 ** 40]],
    ['I32', Int32Array.of(-7), [-7]],
    ['I16', Int16Array.of(-300), [-300]],
    ['I8', Int8Array.of(-3), [-3]],
    ['BOOL', Uint8Array.of(1, 0), [1, 0]],
  ];
  for (const [dtype, array, expected] of cases) {
    const tensor: SafeTensor = { dtype, shape: [expected.length], data: bytesOf(array) };
    const shifted = encodeSafetensors({ odd: { dtype: 'U8', shape: [1], data: Uint8Array.of(0) }, tensor });
    expect([...float32OfTensor(decodeSafetensors(shifted, 'file').tensors.tensor)], dtype).toEqual(expected);
  }
});

describe('broken files get one clear line', () => {
  const entry = { dtype: 'F32', shape: [1], data_offsets: [0, 4] };
  const cases: Record<string, [Uint8Array, RegExp]> = {
    empty: [new Uint8Array(0), /only 0 bytes/],
    'header larger than the file': [file('{}').with(1, 200), /its header should have 51202 bytes, 2 are there/],
    'header of 2^63 bytes': [file('{}').with(7, 128), /its header should have/],
    'header not JSON': [file('{"a":'), /its header is not JSON/],
    'header a list': [file('[]'), /its header is not an object/],
    'unknown type': [file({ a: { ...entry, dtype: 'F8' } }, [0, 0, 0, 0]), /a has the type F8/],
    'type of an object': [file({ a: { ...entry, dtype: 'toString' } }, [0, 0, 0, 0]), /a has the type toString/],
    'shape too large': [file({ a: { ...entry, shape: [2] } }, [0, 0, 0, 0]), /needs 8 bytes for its shape and has 4/],
    'negative shape': [file({ a: { ...entry, shape: [-1, -1] } }, [0, 0, 0, 0]), /no valid shape/],
    'cut off': [file({ a: entry }, [0, 0]), /should stand in bytes 0 to 4 of 2/],
    'bytes left over': [file({ a: entry }, [0, 0, 0, 0, 9]), /covers 4 of 5 bytes/],
    overlap: [file({ a: entry, b: entry }, [0, 0, 0, 0]), /b starts at byte 0 where byte 4 was expected/],
    'metadata a number': [file({ __metadata__: { a: 1 } }), /metadata a is not a string/],
  };
  for (const [name, [bytes, message]] of Object.entries(cases)) {
    test(name, () => {
      expect(() => decodeSafetensors(bytes, 'the/file')).toThrow(message);
      expect(() => decodeSafetensors(bytes, 'the/file')).toThrow(CorruptFileError);
      expect(() => decodeSafetensors(bytes, 'the/file')).toThrow(/the\/file/);
    });
  }

  test('any mutation is read or refused, never anything else', () => {
    const good = encodeSafetensors({ a: tensorOfFloat32([2], Float32Array.of(1, 2)) }, { k: 'v' });
    const change = fc.tuple(fc.nat(good.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), fc.nat(good.length), (changes, length) => {
        const bytes = good.slice(0, length);
        for (const [at, value] of changes) if (at < length) bytes[at] = value;
        try {
          decodeSafetensors(bytes, 'file');
        } catch (error) {
          expect(error).toBeInstanceOf(CorruptFileError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
