// Decodes floats of every width that files hold into float32. Nothing from Node: browsers read weights with it too.

/** Bytes of one element of each type: IEEE 754 of 64, 32 and 16 bits, and bfloat16, the upper half of a float32. */
export const FLOAT_BYTES = { f64: 8, f32: 4, f16: 2, bf16: 2 } as const;

/** A type of floats that becomes float32. */
export type FloatType = keyof typeof FLOAT_BYTES;

export function isFloatType(type: string): type is FloatType {
  return Object.hasOwn(FLOAT_BYTES, type);
}

function numberOfHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The value of each half-precision number, by its bits: made when the first file holds some. */
let halves: Float32Array | undefined;

/** Each element's bytes in the opposite order. */
function swapBytes(data: Uint8Array<ArrayBuffer>, width: number): Uint8Array<ArrayBuffer> {
  for (let begin = 0; begin < data.length; begin += width) data.subarray(begin, begin + width).reverse();
  return data;
}

/**
 * Floats as float32, rounded to the nearest where they hold more digits.
 *
 * @param data whole elements; never changed.
 * @param order of the bytes of an element. Default `little`.
 */
export function decodeFloats(data: Uint8Array, type: FloatType, order: 'little' | 'big' = 'little'): Float32Array {
  // A copy, because a typed array must start at a multiple of its element size. Not slice(): a Buffer's is a view.
  const copy = new Uint8Array(data);
  const { buffer } = order === 'big' ? swapBytes(copy, FLOAT_BYTES[type]) : copy;
  switch (type) {
    case 'f32':
      return new Float32Array(buffer);
    case 'f64':
      return Float32Array.from(new Float64Array(buffer));
    case 'f16': {
      halves ??= Float32Array.from({ length: 2 ** 16 }, (_, bits) => numberOfHalf(bits));
      const table = halves;
      return Float32Array.from(new Uint16Array(buffer), (bits) => table[bits]);
    }
    case 'bf16':
      return new Float32Array(Uint32Array.from(new Uint16Array(buffer), (bits) => bits << 16).buffer);
    default:
      return type satisfies never;
  }
}
