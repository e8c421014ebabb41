// Checks what the metadata of an Arrow IPC file claims, before apache-arrow believes it: that reader takes lengths and
// offsets as they are, and a single damaged one makes it allocate gigabytes or count to two billion. Knows as much of
// Flatbuffers (https://flatbuffers.dev/internals) and of Arrow's Message.fbs, Schema.fbs and File.fbs as that takes.

/** Why a file is not read. */
export class ArrowProblem extends Error {}

/** Tables in tables in a schema, at most. */
const DEEPEST = 16;
/** Tables in one metadata, at most: one that refers to itself many times over is no schema. */
const MOST_TABLES = 10_000;

/** Kinds of Arrow's messages. */
const HEADER = { schema: 1, dictionaryBatch: 2, recordBatch: 3 } as const;

/** One Flatbuffer, read with all bounds checked. */
class Flatbuffer {
  readonly #view: DataView;
  #tables = 0;

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  #require(position: number, length: number): void {
    if (!(position >= 0 && length >= 0 && position + length <= this.#view.byteLength))
      throw new ArrowProblem('its metadata points outside of itself');
  }

  u8(position: number): number {
    this.#require(position, 1);
    return this.#view.getUint8(position);
  }

  u16(position: number): number {
    this.#require(position, 2);
    return this.#view.getUint16(position, true);
  }

  i32(position: number): number {
    this.#require(position, 4);
    return this.#view.getInt32(position, true);
  }

  /** A whole number from 0. */
  count(position: number): number {
    this.#require(position, 8);
    const value = Number(this.#view.getBigInt64(position, true));
    if (!Number.isSafeInteger(value) || value < 0) throw new ArrowProblem('a length of its metadata is impossible');
    return value;
  }

  /** Where an offset at a position leads. */
  follow(position: number): number {
    const target = position + (this.i32(position) >>> 0);
    this.#require(target, 4);
    return target;
  }

  /** Position of a field of a table; 0 when it is not there. */
  field(table: number, id: number): number {
    const vtable = table - this.i32(table);
    const slot = 4 + 2 * id;
    if (this.u16(vtable) < slot + 2) return 0;
    const offset = this.u16(vtable + slot);
    return offset === 0 ? 0 : table + offset;
  }

  root(): number {
    return this.table(0);
  }

  table(position: number): number {
    if (++this.#tables > MOST_TABLES) throw new ArrowProblem('its metadata does not end');
    return this.follow(position);
  }

  /** Positions of the elements of a vector, of `size` bytes each. */
  vector(table: number, id: number, size: number): number[] {
    const at = this.field(table, id);
    if (at === 0) return [];
    const start = this.follow(at);
    const length = this.i32(start) >>> 0;
    this.#require(start + 4, length * size);
    return Array.from({ length }, (_, i) => start + 4 + i * size);
  }

  text(table: number, id: number): void {
    this.vector(table, id, 1);
  }
}

function checkKeyValues(buffer: Flatbuffer, table: number, id: number): void {
  for (const at of buffer.vector(table, id, 4)) {
    const entry = buffer.table(at);
    buffer.text(entry, 0);
    buffer.text(entry, 1);
  }
}

function checkField(buffer: Flatbuffer, field: number, depth: number): void {
  if (depth > DEEPEST) throw new ArrowProblem('its schema is nested too deep');
  buffer.text(field, 0);
  const type = buffer.field(field, 3);
  if (type === 0) throw new ArrowProblem('a column has no type');
  buffer.field(buffer.table(type), 0);
  const dictionary = buffer.field(field, 4);
  if (dictionary !== 0) buffer.field(buffer.table(dictionary), 0);
  for (const at of buffer.vector(field, 5, 4)) checkField(buffer, buffer.table(at), depth + 1);
  checkKeyValues(buffer, field, 6);
}

function checkSchema(buffer: Flatbuffer, schema: number): void {
  for (const at of buffer.vector(schema, 1, 4)) checkField(buffer, buffer.table(at), 1);
  checkKeyValues(buffer, schema, 2);
}

/** Rows and buffers of a batch against the bytes of its body. */
function checkBatch(buffer: Flatbuffer, batch: number, bodyLength: number): void {
  const most = 8 * bodyLength;
  const length = buffer.field(batch, 0);
  if (length !== 0 && buffer.count(length) > most) throw new ArrowProblem('a batch claims more rows than it has bytes');
  for (const node of buffer.vector(batch, 1, 16)) {
    if (buffer.count(node) > most || buffer.count(node + 8) > most)
      throw new ArrowProblem('a column claims more values than its batch has bytes');
  }
  for (const at of buffer.vector(batch, 2, 16)) {
    if (buffer.count(at) + buffer.count(at + 8) > bodyLength)
      throw new ArrowProblem('a column lies outside of its batch');
  }
  if (buffer.field(batch, 3) !== 0) throw new ArrowProblem('a batch is compressed');
}

interface Block {
  offset: number;
  metadata: number;
  body: number;
}

function checkMessage(bytes: Uint8Array, { offset, metadata, body }: Block, kind: number): void {
  if (offset + metadata + body > bytes.length || metadata < 12)
    throw new ArrowProblem('a batch lies outside of the file');
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, metadata);
  const length = view.getInt32(4, true);
  if (view.getInt32(0, true) !== -1 || length < 4 || 8 + length !== metadata)
    throw new ArrowProblem('a batch does not begin where the file says');
  const buffer = new Flatbuffer(bytes.subarray(offset + 8, offset + metadata));
  const message = buffer.root();
  const type = buffer.field(message, 1);
  const header = buffer.field(message, 2);
  const bodyLength = buffer.field(message, 3);
  if (type === 0 || buffer.u8(type) !== kind || header === 0)
    throw new ArrowProblem('a message is not of the kind that the file says');
  if ((bodyLength === 0 ? 0 : buffer.count(bodyLength)) !== body)
    throw new ArrowProblem('a batch has another size than the file says');
  const content = buffer.table(header);
  if (kind === HEADER.recordBatch) checkBatch(buffer, content, body);
  else {
    const data = buffer.field(content, 1);
    if (data === 0) throw new ArrowProblem('a dictionary without content');
    checkBatch(buffer, buffer.table(data), body);
  }
}

/**
 * Throws unless all sizes and offsets that an Arrow file's metadata states lie within it.
 *
 * @param bytes a file that begins and ends as one.
 * @throws {@link ArrowProblem}
 */
export function checkArrowFile(bytes: Uint8Array): void {
  const end = bytes.length - 10;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const footerLength = view.getInt32(end, true);
  if (footerLength < 4 || footerLength > end - 8) throw new ArrowProblem('its footer lies outside of the file');
  const footer = new Flatbuffer(bytes.subarray(end - footerLength, end));
  const root = footer.root();
  const schema = footer.field(root, 1);
  if (schema === 0) throw new ArrowProblem('it has no schema');
  checkSchema(footer, footer.table(schema));
  const blockOf = (at: number): Block => {
    const metadata = footer.i32(at + 8);
    if (metadata < 0) throw new ArrowProblem('a length of its metadata is impossible');
    return { offset: footer.count(at), metadata, body: footer.count(at + 16) };
  };
  for (const at of footer.vector(root, 2, 24)) checkMessage(bytes, blockOf(at), HEADER.dictionaryBatch);
  const blocks = footer.vector(root, 3, 24).map(blockOf);
  // Batches that overlap would multiply a small file into a large one.
  const total = blocks.reduce((sum, { metadata, body }) => sum + metadata + body, 0);
  if (total > bytes.length) throw new ArrowProblem('its batches overlap');
  for (const block of blocks) checkMessage(bytes, block, HEADER.recordBatch);
}
