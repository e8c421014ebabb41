// Which layouts the floats of an HDF5 file have. The library tells the bytes of a type alone, and bfloat16 has as many as
// half precision; the exponent's and mantissa's bits stand in the file's datatype messages.

import { FLOAT_BYTES, type FloatType } from '../formats/floats.js';

/** Places and sizes of exponent and mantissa, and the bias: the last 8 bytes of a message, as hexadecimal. */
const LAYOUTS: Record<string, FloatType> = {
  '340b0034ff030000': 'f64',
  '170800177f000000': 'f32',
  '0a05000a0f000000': 'f16',
  '070800077f000000': 'bf16',
};

/** What all floats of that many bytes in the file are. */
export type FloatLayout = FloatType | { unreadable: string };

/**
 * Finds the datatype messages of floats (HDF5 File Format Specification, IV.A.2.d): 1 byte of class and version, 3 of flags,
 * size, bit offset 0, precision, then the layout.
 *
 * @param bytes of the whole file.
 * @returns the layout of floats of each size; nothing for a size of which the file has no message.
 */
export function findFloatLayouts(bytes: Uint8Array): Map<number, FloatLayout> {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const layouts = new Map<number, FloatLayout>();
  for (const size of new Set(Object.values(FLOAT_BYTES))) {
    const pattern = Buffer.alloc(8);
    pattern.writeUInt32LE(size, 0);
    pattern.writeUInt16LE(8 * size, 6);
    for (let at = file.indexOf(pattern, 4); at >= 0 && at + 16 <= file.length; at = file.indexOf(pattern, at + 1)) {
      const head = file[at - 4];
      if ((head & 0x0f) !== 1 || head >> 4 < 1 || head >> 4 > 5) continue;
      const found = LAYOUTS[file.toString('hex', at + 8, at + 16)] ?? {
        unreadable: `floats of ${8 * size} bits of their own layout`,
      };
      const before = layouts.get(size);
      // Which dataset has which is not told.
      const both =
        before === undefined || before === found
          ? found
          : { unreadable: `floats of ${8 * size} bits of several layouts` };
      layouts.set(size, both);
    }
  }
  return layouts;
}
