// Reads Python's pickles, protocols 0 to 5, as data. A pickle is a program: it names functions and has them called. Here
// nothing is ever called and no name is ever looked up: a call becomes a PickleObject that says what would be called with
// what, and whoever reads the result decides what he understands of it.
//
// Our own because the readers on npm call: pickleparser 0.2.1 calls whatever the pickle left on its stack (REDUCE, OBJ,
// NEWOBJ), looks up __setstate__ on values that the pickle made (BUILD) and reads negative LONG1 as positive; jpickle 0.4.1
// calls too, and knows protocol 2 alone and no persistent ids, which PyTorch's storages are. Neither has limits.

/** What is wrong with a pickle, for people. */
export class PickleProblem extends Error {}

/** A function or class that a pickle names. It is never looked up. */
export class PickleGlobal {
  constructor(
    readonly module: string,
    readonly name: string,
  ) {}

  /** `torch._utils._rebuild_tensor_v2` */
  get path(): string {
    return `${this.module}.${this.name}`;
  }
}

/** What Python would make by calling or constructing something, as a record of how. */
export class PickleObject {
  /** What `BUILD` would set it to. */
  state: PickleValue = null;
  /** What would be set in it as in a dictionary, or appended to it as to a list. */
  readonly items = new Map<PickleValue, PickleValue>();
  readonly appended: PickleValue[] = [];

  constructor(
    /** What would be called, mostly a {@link PickleGlobal}. */
    readonly callee: PickleValue,
    readonly args: PickleValue,
  ) {}
}

/** An object outside of the pickle, by what the pickle calls it. */
export class PickleReference {
  constructor(readonly id: PickleValue) {}
}

/** Tuples and lists are arrays; dictionaries are maps, whose keys may be any value. */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleValue[]
  | Map<PickleValue, PickleValue>
  | Set<PickleValue>
  | PickleGlobal
  | PickleObject
  | PickleReference;

/** Each makes at most one value: this bounds the memory that a pickle takes. */
const MAX_OPERATIONS = 20_000_000;
/** Of whole numbers and of lines of text, so that none is slow to decode. */
const MAX_LONG_BYTES = 1024;
/** What a text can have in JavaScript, where each byte may be a character. */
const MAX_TEXT_BYTES = 2 ** 29 - 24;

const ESCAPES = /\\(?:u([\da-f]{4})|U([\da-f]{8})|x([\da-f]{2})|[\\'"nrt])/gi;
const SIMPLE_ESCAPES: Record<string, string> = { '\\': '\\', "'": "'", '"': '"', n: '\n', r: '\r', t: '\t' };

const MARK = Symbol('mark');
type Slot = PickleValue | typeof MARK;

/** Reads numbers and texts one after the other. */
class Cursor {
  position = 0;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #utf8 = new TextDecoder('utf-8');

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Moves on by a number of bytes. @returns where they begin. */
  skip(length: number): number {
    const begin = this.position;
    if (!(length >= 0 && begin + length <= this.#bytes.length))
      throw new PickleProblem(`it ends at byte ${this.#bytes.length}`);
    this.position += length;
    return begin;
  }

  uint8 = () => this.#view.getUint8(this.skip(1));
  uint16 = () => this.#view.getUint16(this.skip(2), true);
  uint32 = () => this.#view.getUint32(this.skip(4), true);
  int32 = () => this.#view.getInt32(this.skip(4), true);
  /** Of 8 bytes: lengths beyond 2^53 end in the error for lengths beyond the pickle. */
  length64 = () => Number(this.#view.getBigUint64(this.skip(8), true));
  float64 = () => this.#view.getFloat64(this.skip(8));

  bytes(length: number): Uint8Array {
    const begin = this.skip(length);
    return this.#bytes.subarray(begin, begin + length);
  }

  text(length: number): string {
    const bytes = this.bytes(length);
    if (length > MAX_TEXT_BYTES) throw new PickleProblem(`a text of ${length} bytes`);
    return this.#utf8.decode(bytes);
  }

  /** The bytes up to the next line feed, which is left out. */
  lineBytes(): Uint8Array {
    const end = this.#bytes.indexOf(0x0a, this.position);
    if (end < 0) throw new PickleProblem('a line has no end');
    const bytes = this.bytes(end - this.position);
    this.position = end + 1;
    return bytes;
  }

  line(): string {
    return this.#utf8.decode(this.lineBytes());
  }

  /** A line of protocol 0: a character a byte, all others escaped. */
  escapedLine(): string {
    const text = Array.from(this.lineBytes(), (byte) => String.fromCharCode(byte)).join('');
    return text.replace(ESCAPES, (sequence, ...codes: (string | undefined)[]) => {
      const code = codes[0] ?? codes[1] ?? codes[2];
      if (code === undefined) return SIMPLE_ESCAPES[sequence[1]] ?? sequence;
      const point = Number.parseInt(code, 16);
      if (point > 0x10ffff) throw new PickleProblem('a text holds no character');
      return String.fromCodePoint(point);
    });
  }

  /** A whole number of any length, little-endian in two's complement. */
  long(length: number): number | bigint {
    if (length > MAX_LONG_BYTES) throw new PickleProblem(`a whole number of ${length} bytes`);
    let value = 0n;
    for (const byte of this.bytes(length).toReversed()) value = (value << 8n) | BigInt(byte);
    return small(length > 0 ? BigInt.asIntN(8 * length, value) : 0n);
  }
}

/** A number where it is exact as one. */
const small = (value: bigint): number | bigint => (Number.isSafeInteger(Number(value)) ? Number(value) : value);

function parseLong(line: string): number | bigint {
  const digits = line.replace(/L$/, '').trim();
  if (digits.length > MAX_LONG_BYTES || !/^[-+]?\d+$/.test(digits)) throw new PickleProblem('a whole number is none');
  return small(BigInt(digits));
}

function parseFloatLine(line: string): number {
  const value = Number(line.replace(/^([-+]?)inf(inity)?$/i, '$1Infinity'));
  if (Number.isNaN(value) && line.toLowerCase() !== 'nan') throw new PickleProblem('a float is none');
  return value;
}

/** The machine that a pickle is a program for. */
class Machine {
  readonly #stack: Slot[] = [];
  readonly #memo = new Map<number, PickleValue>();

  push(value: PickleValue): void {
    this.#stack.push(value);
  }

  mark(): void {
    this.#stack.push(MARK);
  }

  pop(): PickleValue {
    const value = this.#stack.pop();
    if (value === undefined || value === MARK) throw new PickleProblem('it takes a value where there is none');
    return value;
  }

  /** The value on top, which stays. */
  top(): PickleValue {
    const value = this.#stack.at(-1);
    if (value === undefined || value === MARK) throw new PickleProblem('it uses a value where there is none');
    return value;
  }

  /** Everything down to the last mark, which goes too. */
  popMark(): PickleValue[] {
    const mark = this.#stack.lastIndexOf(MARK);
    if (mark < 0) throw new PickleProblem('it goes back to a mark that is not there');
    const values = this.#stack.splice(mark) as PickleValue[];
    values.shift();
    return values;
  }

  /** `POP`: a value or a mark. */
  drop(): void {
    if (this.#stack.pop() === undefined) throw new PickleProblem('it takes a value where there is none');
  }

  put(index: number): void {
    this.#memo.set(index, this.top());
  }

  memoize(): void {
    this.put(this.#memo.size);
  }

  get(index: number): void {
    const value = this.#memo.get(index);
    if (value === undefined) throw new PickleProblem(`it recalls value ${index}, which it did not store`);
    this.push(value);
  }
}

function append(target: PickleValue, values: readonly PickleValue[]): void {
  const list = Array.isArray(target) ? target : target instanceof PickleObject ? target.appended : null;
  if (list === null) throw new PickleProblem('it appends to what is no list');
  for (const value of values) list.push(value);
}

function setItems(target: PickleValue, flat: readonly PickleValue[]): void {
  const map = target instanceof Map ? target : target instanceof PickleObject ? target.items : null;
  if (map === null || flat.length % 2 !== 0) throw new PickleProblem('it sets items of what is no dictionary');
  for (let i = 0; i < flat.length; i += 2) map.set(flat[i], flat[i + 1]);
}

function addItems(target: PickleValue, values: readonly PickleValue[]): void {
  if (target instanceof Set) for (const value of values) target.add(value);
  else append(target, values);
}

function requireText(value: PickleValue): string {
  if (typeof value !== 'string') throw new PickleProblem('a name is no text');
  return value;
}

function unquote(line: string): string {
  const quote = line[0];
  if (line.length < 2 || !(quote === "'" || quote === '"') || line.at(-1) !== quote)
    throw new PickleProblem('a text has no quotes');
  return line.slice(1, -1);
}

/** One operation of a pickle. */
type Operation = (machine: Machine, cursor: Cursor) => void;

const pushing =
  (read: (cursor: Cursor) => PickleValue): Operation =>
  (machine, cursor) =>
    machine.push(read(cursor));

const tuple =
  (length: number): Operation =>
  (machine) => {
    const values = Array.from({ length }, () => machine.pop());
    machine.push(values.reverse());
  };

/** A call, an instance or a subclass: what would be made of what. */
const making: Operation = (machine) => {
  const args = machine.pop();
  machine.push(new PickleObject(machine.pop(), args));
};

/** All operations but STOP, by their bytes (Lib/pickletools.py of CPython). */
const OPERATIONS: ReadonlyMap<number, Operation> = new Map<number, Operation>([
  [0x28, (machine) => machine.mark()], // MARK
  [0x29, pushing(() => [])], // EMPTY_TUPLE
  [0x30, (machine) => machine.drop()], // POP
  [0x31, (machine) => void machine.popMark()], // POP_MARK
  [0x32, (machine) => machine.push(machine.top())], // DUP
  [0x42, pushing((cursor) => cursor.bytes(cursor.uint32()))], // BINBYTES
  [0x43, pushing((cursor) => cursor.bytes(cursor.uint8()))], // SHORT_BINBYTES
  [0x46, pushing((cursor) => parseFloatLine(cursor.line()))], // FLOAT
  [0x47, pushing((cursor) => cursor.float64())], // BINFLOAT
  [
    0x49,
    pushing((cursor) => {
      const line = cursor.line();
      return line === '01' ? true : line === '00' ? false : parseLong(line);
    }),
  ], // INT
  [0x4a, pushing((cursor) => cursor.int32())], // BININT
  [0x4b, pushing((cursor) => cursor.uint8())], // BININT1
  [0x4c, pushing((cursor) => parseLong(cursor.line()))], // LONG
  [0x4d, pushing((cursor) => cursor.uint16())], // BININT2
  [0x4e, pushing(() => null)], // NONE
  [0x50, pushing((cursor) => new PickleReference(cursor.line()))], // PERSID
  [0x51, (machine) => machine.push(new PickleReference(machine.pop()))], // BINPERSID
  [0x52, making], // REDUCE
  [0x53, pushing((cursor) => unquote(cursor.escapedLine()))], // STRING
  [0x54, pushing((cursor) => cursor.text(cursor.uint32()))], // BINSTRING
  [0x55, pushing((cursor) => cursor.text(cursor.uint8()))], // SHORT_BINSTRING
  [0x56, pushing((cursor) => cursor.escapedLine())], // UNICODE
  [0x58, pushing((cursor) => cursor.text(cursor.uint32()))], // BINUNICODE
  [0x5d, pushing(() => [])], // EMPTY_LIST
  [
    0x61,
    (machine) => {
      const value = machine.pop();
      append(machine.top(), [value]);
    },
  ], // APPEND
  [
    0x62,
    (machine) => {
      const state = machine.pop();
      const target = machine.top();
      if (target instanceof PickleObject) target.state = state;
      else throw new PickleProblem('it builds what is no object');
    },
  ], // BUILD
  [0x63, pushing((cursor) => new PickleGlobal(cursor.line(), cursor.line()))], // GLOBAL
  [
    0x64,
    (machine) => {
      const flat = machine.popMark();
      const map = new Map<PickleValue, PickleValue>();
      setItems(map, flat);
      machine.push(map);
    },
  ], // DICT
  [
    0x65,
    (machine) => {
      const values = machine.popMark();
      append(machine.top(), values);
    },
  ], // APPENDS
  [0x67, (machine, cursor) => machine.get(Number(cursor.line()))], // GET
  [0x68, (machine, cursor) => machine.get(cursor.uint8())], // BINGET
  [
    0x69,
    (machine, cursor) => {
      const callee = new PickleGlobal(cursor.line(), cursor.line());
      machine.push(new PickleObject(callee, machine.popMark()));
    },
  ], // INST
  [0x6a, (machine, cursor) => machine.get(cursor.uint32())], // LONG_BINGET
  [0x6c, (machine) => machine.push(machine.popMark())], // LIST
  [
    0x6f,
    (machine) => {
      const [callee, ...args] = machine.popMark();
      if (callee === undefined) throw new PickleProblem('it makes an object of nothing');
      machine.push(new PickleObject(callee, args));
    },
  ], // OBJ
  [0x70, (machine, cursor) => machine.put(Number(cursor.line()))], // PUT
  [0x71, (machine, cursor) => machine.put(cursor.uint8())], // BINPUT
  [0x72, (machine, cursor) => machine.put(cursor.uint32())], // LONG_BINPUT
  [
    0x73,
    (machine) => {
      const value = machine.pop();
      const key = machine.pop();
      setItems(machine.top(), [key, value]);
    },
  ], // SETITEM
  [0x74, (machine) => machine.push(machine.popMark())], // TUPLE
  [
    0x75,
    (machine) => {
      const flat = machine.popMark();
      setItems(machine.top(), flat);
    },
  ], // SETITEMS
  [0x7d, pushing(() => new Map())], // EMPTY_DICT
  [
    0x80,
    (_machine, cursor) => {
      const protocol = cursor.uint8();
      if (protocol > 5) throw new PickleProblem(`protocol ${protocol} is not known`);
    },
  ], // PROTO
  [0x81, making], // NEWOBJ
  [0x82, pushing((cursor) => new PickleGlobal('copyreg extension', String(cursor.uint8())))], // EXT1
  [0x83, pushing((cursor) => new PickleGlobal('copyreg extension', String(cursor.uint16())))], // EXT2
  [0x84, pushing((cursor) => new PickleGlobal('copyreg extension', String(cursor.int32())))], // EXT4
  [0x85, tuple(1)], // TUPLE1
  [0x86, tuple(2)], // TUPLE2
  [0x87, tuple(3)], // TUPLE3
  [0x88, pushing(() => true)], // NEWTRUE
  [0x89, pushing(() => false)], // NEWFALSE
  [0x8a, pushing((cursor) => cursor.long(cursor.uint8()))], // LONG1
  [0x8b, pushing((cursor) => cursor.long(cursor.int32()))], // LONG4
  [0x8c, pushing((cursor) => cursor.text(cursor.uint8()))], // SHORT_BINUNICODE
  [0x8d, pushing((cursor) => cursor.text(cursor.length64()))], // BINUNICODE8
  [0x8e, pushing((cursor) => cursor.bytes(cursor.length64()))], // BINBYTES8
  [0x8f, pushing(() => new Set())], // EMPTY_SET
  [
    0x90,
    (machine) => {
      const values = machine.popMark();
      addItems(machine.top(), values);
    },
  ], // ADDITEMS
  [0x91, (machine) => machine.push(new Set(machine.popMark()))], // FROZENSET
  [
    0x92,
    (machine) => {
      const keywords = machine.pop();
      const args = machine.pop();
      machine.push(new PickleObject(machine.pop(), [args, keywords]));
    },
  ], // NEWOBJ_EX
  [
    0x93,
    (machine) => {
      const name = requireText(machine.pop());
      machine.push(new PickleGlobal(requireText(machine.pop()), name));
    },
  ], // STACK_GLOBAL
  [0x94, (machine) => machine.memoize()], // MEMOIZE
  [0x95, (_machine, cursor) => void cursor.skip(8)], // FRAME
  [0x96, pushing((cursor) => cursor.bytes(cursor.length64()))], // BYTEARRAY8
  [0x98, () => {}], // READONLY_BUFFER
]);

const STOP = 0x2e;

/**
 * Reads a pickle.
 *
 * @param bytes of one pickle; what follows its end is not looked at.
 * @returns its value, which shares memory with `bytes` and may contain itself.
 * @throws {@link PickleProblem} when it is cut off, of no known protocol, or longer than {@link MAX_OPERATIONS}.
 */
export function decodePickle(bytes: Uint8Array): PickleValue {
  const cursor = new Cursor(bytes);
  const machine = new Machine();
  for (let count = 0; count < MAX_OPERATIONS; count++) {
    const code = cursor.uint8();
    if (code === STOP) return machine.pop();
    const operation = OPERATIONS.get(code);
    if (operation === undefined)
      throw new PickleProblem(`operation ${code} at byte ${cursor.position - 1} is not known`);
    operation(machine, cursor);
  }
  throw new PickleProblem(`it has more than ${MAX_OPERATIONS} operations`);
}
