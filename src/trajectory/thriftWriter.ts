// Writes Thrift's compact protocol, the counterpart of thrift.ts: values are built from the leaves up, each as the bytes
// that it becomes. For footers and page headers, not for bulk data.

import { ThriftType } from './thrift.js';

/** A value with the type that a field or list states for it. */
export interface ThriftEncoded {
  type: number;
  bytes: Uint8Array;
}

/** A whole number below 2 ** 53 in steps of 7 bits, lowest first. */
export function encodeUnsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  bytes.push(rest);
  return bytes;
}

function signed(type: number, value: number): ThriftEncoded {
  return { type, bytes: Uint8Array.from(encodeUnsigned(value < 0 ? -2 * value - 1 : 2 * value)) };
}

export const i16 = (value: number): ThriftEncoded => signed(ThriftType.i16, value);
export const i32 = (value: number): ThriftEncoded => signed(ThriftType.i32, value);
export const i64 = (value: number): ThriftEncoded => signed(ThriftType.i64, value);

/** Text in UTF-8, or bytes as they are. */
export function binary(value: string | Uint8Array): ThriftEncoded {
  const content = typeof value === 'string' ? Buffer.from(value) : value;
  return { type: ThriftType.binary, bytes: Buffer.concat([Uint8Array.from(encodeUnsigned(content.length)), content]) };
}

/** A list, not empty, of values of one type. */
export function list(items: readonly ThriftEncoded[]): ThriftEncoded {
  const { type } = items[0];
  const head = items.length < 15 ? [(items.length << 4) | type] : [0xf0 | type, ...encodeUnsigned(items.length)];
  return { type: ThriftType.list, bytes: Buffer.concat([Uint8Array.from(head), ...items.map(({ bytes }) => bytes)]) };
}

/** A struct: values by field number; undefined ones are left out. */
export function struct(fields: Record<number, ThriftEncoded | undefined>): ThriftEncoded {
  const parts: Uint8Array[] = [];
  let previous = 0;
  // Keys of an object that are whole numbers come in ascending order.
  for (const [key, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    const field = Number(key);
    const delta = field - previous;
    const head = delta < 16 ? [(delta << 4) | value.type] : [value.type, ...encodeUnsigned(2 * field)];
    parts.push(Uint8Array.from(head), value.bytes);
    previous = field;
  }
  parts.push(Uint8Array.of(0));
  return { type: ThriftType.struct, bytes: Buffer.concat(parts) };
}
