// Reads Thrift's compact protocol, in which Parquet writes its footers and page headers, into plain objects keyed by
// field number. No schema: who asks for a field knows what it is.

/** A struct: values by field number. */
export interface ThriftStruct {
  [field: number]: ThriftValue;
}

/** Whole numbers of 64 bits come as doubles: sizes and offsets of files fit. */
export type ThriftValue = number | boolean | Uint8Array | ThriftValue[] | ThriftStruct;

/** The numbers of the compact protocol's types; a true or false field has its value as its type. */
export const ThriftType = {
  yes: 1,
  no: 2,
  i8: 3,
  i16: 4,
  i32: 5,
  i64: 6,
  double: 7,
  binary: 8,
  list: 9,
  set: 10,
  struct: 12,
} as const;

/** Nesting beyond this is damage: Parquet needs 6. */
const MOST_DEPTH = 16;

/** Reads structs one after another from bytes. Throws RangeError when they end early or make no sense. */
export class ThriftReader {
  readonly #bytes: Uint8Array;
  /** Position of the next byte. */
  offset: number;

  constructor(bytes: Uint8Array, offset = 0) {
    this.#bytes = bytes;
    this.offset = offset;
  }

  readStruct(depth = 0): ThriftStruct {
    if (depth > MOST_DEPTH) throw new RangeError('structs nested too deep');
    const struct: ThriftStruct = {};
    for (let field = 0; ; ) {
      const head = this.#byte();
      if (head === 0) return struct;
      const type = head & 15;
      field = head >> 4 === 0 ? this.#signed() : field + (head >> 4);
      struct[field] =
        type === ThriftType.yes || type === ThriftType.no ? type === ThriftType.yes : this.#value(type, depth);
    }
  }

  #byte(): number {
    if (this.offset >= this.#bytes.length) throw new RangeError('struct ends early');
    return this.#bytes[this.offset++];
  }

  #unsigned(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.#byte();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      if (scale > 2 ** 63) throw new RangeError('number too long');
    }
  }

  /** A number whose lowest bit is its sign. */
  #signed(): number {
    const value = this.#unsigned();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  #value(type: number, depth: number): ThriftValue {
    switch (type) {
      case ThriftType.yes:
      case ThriftType.no:
        return this.#byte() === 1;
      case ThriftType.i8:
        return (this.#byte() << 24) >> 24;
      case ThriftType.i16:
      case ThriftType.i32:
      case ThriftType.i64:
        return this.#signed();
      case ThriftType.double: {
        this.offset += 8;
        if (this.offset > this.#bytes.length) throw new RangeError('struct ends early');
        return new DataView(this.#bytes.buffer, this.#bytes.byteOffset + this.offset - 8, 8).getFloat64(0, true);
      }
      case ThriftType.binary: {
        const length = this.#unsigned();
        if (length > this.#bytes.length - this.offset) throw new RangeError('text ends early');
        this.offset += length;
        return this.#bytes.subarray(this.offset - length, this.offset);
      }
      case ThriftType.list:
      case ThriftType.set: {
        const head = this.#byte();
        const count = head >> 4 === 15 ? this.#unsigned() : head >> 4;
        // Each item takes at least a byte.
        if (count > this.#bytes.length - this.offset) throw new RangeError('list ends early');
        return Array.from({ length: count }, () => this.#value(head & 15, depth + 1));
      }
      case ThriftType.struct:
        return this.readStruct(depth + 1);
      default:
        throw new RangeError(`unknown type ${type}`);
    }
  }
}
