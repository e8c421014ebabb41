// Part files hold the samples of one run, for builds that read runs on several machines: its packets in the order of
// extraction, then its statistics. The assembler builds shards from them.

import { closeSync, fstatSync, fsyncSync, mkdirSync, openSync, readSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { asWriteError } from '../atomic.js';
import { CorruptFileError, MissingFileError } from '../errors.js';
import { temporaryName } from '../files/temporary.js';
import { TRAINED_KINDS } from '../nowcaster/spec.js';
import type { RunStatistics } from './extractRun.js';
import { type Packet, type PacketShape, sampleWidth } from './packets.js';
import type { TargetSketch } from './targetSketch.js';

/** First and last bytes of a file. */
const MAGIC = 'WNNPART1';
/** Record kind of the statistics: JSON of `rows` bytes. */
const STATISTICS = 255;
/** Bytes before each record: kind, shard, rows; uint32, little-endian. */
const HEADER = 12;
/** Upper limit for the JSON of a run's statistics. */
const MAX_STATISTICS_BYTES = 2 ** 28;

/** Writes a part file, which appears under its name when it is complete. */
export class PartWriter {
  readonly #path: string;
  readonly #temporary: string;
  readonly #width: number;
  #descriptor: number;

  /** @throws WriteError */
  constructor(path: string, shape: PacketShape) {
    this.#path = path;
    this.#temporary = temporaryName(path);
    this.#width = sampleWidth(shape);
    try {
      mkdirSync(dirname(path), { recursive: true });
      this.#descriptor = openSync(this.#temporary, 'w');
    } catch (error) {
      throw asWriteError(error, path);
    }
    this.#write(Buffer.from(MAGIC));
  }

  /** @throws WriteError */
  write({ kind, shard, rows, samples }: Packet): void {
    this.#writeHeader(TRAINED_KINDS.indexOf(kind), shard, rows);
    this.#write(new Uint8Array(samples.buffer, samples.byteOffset, 4 * rows * this.#width));
  }

  /** Completes the file. @throws WriteError */
  finish(statistics: RunStatistics): void {
    const json = Buffer.from(JSON.stringify(statistics, packSketch));
    this.#writeHeader(STATISTICS, 0, json.length);
    this.#write(json);
    this.#write(Buffer.from(MAGIC));
    try {
      fsyncSync(this.#descriptor);
      closeSync(this.#descriptor);
      renameSync(this.#temporary, this.#path);
    } catch (error) {
      throw asWriteError(error, this.#path);
    }
  }

  /** Removes the incomplete file. */
  discard(): void {
    try {
      closeSync(this.#descriptor);
    } catch {
      // Already closed.
    }
    rmSync(this.#temporary, { force: true });
  }

  #writeHeader(kind: number, shard: number, rows: number): void {
    const header = Buffer.alloc(HEADER);
    header.writeUInt32LE(kind, 0);
    header.writeUInt32LE(shard, 4);
    header.writeUInt32LE(rows, 8);
    this.#write(header);
  }

  #write(bytes: Uint8Array): void {
    try {
      for (let offset = 0; offset < bytes.length; ) offset += writeSync(this.#descriptor, bytes, offset);
    } catch (error) {
      throw asWriteError(error, this.#path);
    }
  }
}

/** Whether a complete part exists. */
export function isPartWhole(path: string): boolean {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch {
    return false;
  }
  try {
    const end = Buffer.alloc(MAGIC.length);
    const { size } = fstatSync(descriptor);
    return size >= 2 * MAGIC.length && readSync(descriptor, end, 0, end.length, size - end.length) === end.length
      ? end.toString('latin1') === MAGIC
      : false;
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Reads a part, a packet at a time.
 *
 * @param onPacket receives packets; their columns are valid until the call returns.
 * @throws {@link MissingFileError} when it does not exist, {@link CorruptFileError} when it is damaged.
 */
export function readPart(path: string, shape: PacketShape, onPacket: (packet: Packet) => void): RunStatistics {
  const corrupt = (why: string) =>
    new CorruptFileError({ what: `damaged part (${why})`, where: path, remedy: 'delete it and make the part again' });
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch (cause) {
    throw new MissingFileError({ what: 'no such part', where: path, remedy: 'make the missing parts first', cause });
  }
  try {
    const read = (bytes: Uint8Array) => {
      for (let offset = 0; offset < bytes.length; ) {
        const count = readSync(descriptor, bytes, offset, bytes.length - offset, null);
        if (count === 0) throw corrupt('truncated');
        offset += count;
      }
    };
    const magic = Buffer.alloc(MAGIC.length);
    read(magic);
    if (magic.toString('latin1') !== MAGIC) throw corrupt('not a part');
    const width = sampleWidth(shape);
    const samples = new Float32Array(shape.rows * width);
    const header = Buffer.alloc(HEADER);
    for (;;) {
      read(header);
      const kind = header.readUInt32LE(0);
      const shard = header.readUInt32LE(4);
      const rows = header.readUInt32LE(8);
      if (kind === STATISTICS) {
        if (rows > MAX_STATISTICS_BYTES) throw corrupt('impossible statistics');
        const json = Buffer.alloc(rows);
        read(json);
        read(magic);
        if (magic.toString('latin1') !== MAGIC) throw corrupt('no end');
        return JSON.parse(json.toString(), unpackSketch) as RunStatistics;
      }
      if (kind >= TRAINED_KINDS.length || rows === 0 || rows > shape.rows) throw corrupt('impossible packet');
      read(new Uint8Array(samples.buffer, 0, 4 * rows * width));
      onPacket({ slot: 0, kind: TRAINED_KINDS[kind], shard, rows, samples });
    }
  } finally {
    closeSync(descriptor);
  }
}

/** Encodes bins as pairs of position and count, since most are empty, and the infinities of an empty sketch for JSON. */
function packSketch(_key: string, value: unknown): unknown {
  if (value instanceof Float64Array)
    return { pairs: [...value.entries()].filter(([, count]) => count > 0), length: value.length };
  if (value === Number.POSITIVE_INFINITY) return { infinity: 1 };
  if (value === Number.NEGATIVE_INFINITY) return { infinity: -1 };
  return value;
}

function unpackSketch(_key: string, value: unknown): unknown {
  const packed = value as { pairs?: [number, number][]; length?: number; infinity?: number } | null;
  if (typeof packed !== 'object' || packed === null) return value;
  if (packed.infinity !== undefined) return packed.infinity * Number.POSITIVE_INFINITY;
  if (packed.pairs === undefined) return value;
  const bins: TargetSketch['bins'] = new Float64Array(packed.length ?? 0);
  for (const [bin, count] of packed.pairs) bins[bin] = count;
  return bins;
}
