import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CorruptFileError, WnnError } from '../../src/errors.js';
import { decodeIdx } from '../../src/formats/idx.js';

/** An IDX file made by DataView's setters, independently of the reader. */
function encodeIdx(type: number, shape: number[], numbers: number[]): Uint8Array {
  const size = { 8: 1, 9: 1, 11: 2, 12: 4, 13: 4, 14: 8 }[type]!;
  const bytes = new Uint8Array(4 + 4 * shape.length + size * numbers.length);
  const view = new DataView(bytes.buffer);
  bytes.set([0, 0, type, shape.length]);
  shape.forEach((length, axis) => {
    view.setUint32(4 + 4 * axis, length);
  });
  numbers.forEach((number, i) => {
    const at = 4 + 4 * shape.length + size * i;
    if (type === 8) view.setUint8(at, number);
    else if (type === 9) view.setInt8(at, number);
    else if (type === 11) view.setInt16(at, number);
    else if (type === 12) view.setInt32(at, number);
    else if (type === 13) view.setFloat32(at, number);
    else view.setFloat64(at, number);
  });
  return bytes;
}

describe('decodeIdx', () => {
  it.each([
    [8, Uint8Array, [0, 127, 128, 255, 1, 2]],
    [9, Int8Array, [0, 127, -128, -1, 1, 2]],
    [11, Int16Array, [0, 32767, -32768, 258, 1, 2]],
    [12, Int32Array, [0, 2147483647, -2147483648, 16909060, 1, 2]],
    [13, Float32Array, [0, 0.5, -1.25, 2 ** 100, 1, 2]],
    [14, Float64Array, [0, 0.1, -1e300, Math.PI, 1, 2]],
  ])('reads element type %i, plain and gzip-compressed', (type, ArrayType, numbers) => {
    const plain = encodeIdx(type, [2, 3], numbers);
    for (const bytes of [plain, gzipSync(plain)]) {
      const { shape, values } = decodeIdx(bytes, 'x');
      expect(shape).toEqual([2, 3]);
      expect(values).toBeInstanceOf(ArrayType);
      expect(Array.from(values)).toEqual(numbers);
    }
  });

  it('reads a file that begins in the middle of a larger buffer', () => {
    const inner = encodeIdx(11, [2], [-300, 300]);
    const outer = new Uint8Array(inner.length + 7).fill(9);
    outer.set(inner, 5);
    expect(Array.from(decodeIdx(outer.subarray(5, 5 + inner.length), 'x').values)).toEqual([-300, 300]);
  });

  it('reads any rank, from 0 to 255, and empty arrays', () => {
    expect(decodeIdx(encodeIdx(8, [], [7]), 'x')).toEqual({ shape: [], values: Uint8Array.of(7) });
    const deep = new Array(255).fill(1);
    expect(decodeIdx(encodeIdx(8, deep, [7]), 'x')).toEqual({ shape: deep, values: Uint8Array.of(7) });
    expect(decodeIdx(encodeIdx(13, [3, 0, 4], []), 'x')).toEqual({ shape: [3, 0, 4], values: new Float32Array() });
  });

  it('refuses what is not IDX, cut off, too long, or claims more than there is', () => {
    const good = encodeIdx(8, [4], [1, 2, 3, 4]);
    const huge = encodeIdx(14, [0xffffffff, 0xffffffff, 0xffffffff], []);
    const cases: [Uint8Array, RegExp][] = [
      [new Uint8Array(), /not an IDX file/],
      [Uint8Array.of(1, 0, 8, 1, 0, 0, 0, 0), /not an IDX file/],
      [Uint8Array.of(0, 0, 10, 1, 0, 0, 0, 0), /not an IDX file/],
      [good.subarray(0, 6), /header cut off/],
      [good.subarray(0, good.length - 1), /needs 12 bytes, found 11/],
      [Uint8Array.of(...good, 0), /needs 12 bytes, found 13/],
      [huge, /wrong length/],
      [gzipSync(huge), /wrong length/],
      [gzipSync(Uint8Array.of(...good, 0)), /longer than its header says/],
      [gzipSync(good).subarray(0, 25), /damaged gzip/],
      [Uint8Array.of(0x1f, 0x8b, 1, 2, 3), /damaged gzip/],
    ];
    for (const [bytes, message] of cases) {
      expect(() => decodeIdx(bytes, 'some/file')).toThrow(CorruptFileError);
      expect(() => decodeIdx(bytes, 'some/file')).toThrow(message);
      expect(() => decodeIdx(bytes, 'some/file')).toThrow(/some\/file/);
    }
  });

  it('never fails in another way, whatever the bytes', () => {
    const damaged = fc
      .record({
        zipped: fc.boolean(),
        type: fc.constantFrom(8, 9, 11, 12, 13, 14),
        flips: fc.array(fc.record({ at: fc.nat(40), byte: fc.nat(255) }), { minLength: 1, maxLength: 4 }),
        cut: fc.nat(60),
      })
      .map(({ zipped, type, flips, cut }) => {
        const plain = encodeIdx(type, [2, 3], [1, 2, 3, 4, 5, 6]);
        const bytes = Uint8Array.from(zipped ? gzipSync(plain) : plain);
        for (const { at, byte } of flips) if (at < bytes.length) bytes[at] = byte;
        return bytes.subarray(0, bytes.length - Math.min(cut, bytes.length));
      });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 64 }), damaged), (bytes) => {
        try {
          const { shape, values } = decodeIdx(bytes, 'x');
          expect(values.length).toBe(shape.reduce((product, size) => product * size, 1));
        } catch (error) {
          expect(error).toBeInstanceOf(WnnError);
        }
      }),
      { seed: 1, numRuns: 2000 },
    );
  });
});
