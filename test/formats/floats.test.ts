import { describe, expect, test } from 'vitest';
import { decodeFloats, type FloatType } from '../../src/formats/floats.js';

/** Bits and values as numpy and ml_dtypes (CPython 3.11) tell them. */
const KNOWN: [type: FloatType, bits: bigint, value: number][] = [
  ['f16', 0x0000n, 0],
  ['f16', 0x8000n, -0],
  ['f16', 0x0001n, 2 ** -24],
  ['f16', 0x03ffn, 6.097555160522461e-5],
  ['f16', 0x0400n, 6.103515625e-5],
  ['f16', 0x3555n, 0.333251953125],
  ['f16', 0xc100n, -2.5],
  ['f16', 0x7bffn, 65504],
  ['f16', 0xfc00n, Number.NEGATIVE_INFINITY],
  ['f16', 0x7e00n, Number.NaN],
  ['bf16', 0x3f80n, 1],
  ['bf16', 0xc049n, -3.140625],
  ['bf16', 0x0001n, 9.183549615799121e-41],
  ['bf16', 0x7f7fn, 3.3895313892515355e38],
  ['bf16', 0x7f80n, Number.POSITIVE_INFINITY],
  ['bf16', 0x7fc0n, Number.NaN],
  ['f32', 0x3dcccccdn, Math.fround(0.1)],
  ['f64', 0x3fb999999999999an, Math.fround(0.1)],
  ['f64', 0x7fefffffffffffffn, Number.POSITIVE_INFINITY],
];
const BYTES = { f16: 2, bf16: 2, f32: 4, f64: 8 };

describe('floats of every type become float32', () => {
  test.each(KNOWN)('%s %i is %f, in either order of bytes and anywhere in memory', (type, bits, value) => {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, bits);
    const big = bytes.slice(8 - BYTES[type]);
    const little = big.toReversed();
    expect([...decodeFloats(little, type)]).toEqual([value]);
    expect([...decodeFloats(big, type, 'big')]).toEqual([value]);
    const odd = new Uint8Array(1 + 2 * BYTES[type]);
    odd.set(little, 1);
    expect(decodeFloats(odd.subarray(1), type)[0]).toEqual(value);
    expect([...odd.subarray(1, 1 + BYTES[type])]).toEqual([...little]);
  });
});
