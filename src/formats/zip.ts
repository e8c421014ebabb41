// Zip archives: which entries there are, and the bytes of one. Sizes are checked before memory is taken for them.

import { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import { type Entry, fromRandomAccessReaderPromise, RandomAccessReader, type ZipFile } from 'yauzl';
import { corruptFile } from './corruptFile.js';
import { maxContentBytes } from './expansion.js';
import { type InputFile, MAX_BYTES_IN_MEMORY, withInputFile } from './inputFile.js';

/** An open archive. */
export interface ZipArchive {
  /** Length of the archive. */
  bytes: number;
  /** In the order of the archive's directory. */
  names: string[];
  /** Length of an entry, decompressed. */
  bytesOf(name: string): number;
  /** The bytes of an entry, decompressed. Its checksum is verified. */
  read(name: string): Promise<Uint8Array<ArrayBuffer>>;
  /** The bytes [begin, end) of an entry, decompressed. */
  readRange(name: string, begin: number, end: number): Promise<Uint8Array<ArrayBuffer>>;
}

/** Name of a zip archive's first entry by the archive's first bytes; null when they are of something else. */
export function firstZipEntry(start: Uint8Array): string | null {
  const bytes = Buffer.from(start.buffer, start.byteOffset, start.byteLength);
  if (bytes.length < LOCAL_HEADER_BYTES || bytes.toString('latin1', 0, 4) !== 'PK\x03\x04') return null;
  return bytes.toString('latin1', LOCAL_HEADER_BYTES, LOCAL_HEADER_BYTES + bytes.readUInt16LE(26));
}

/** Of the header before each entry's bytes, without its name. */
const LOCAL_HEADER_BYTES = 30;

const MAX_ENTRIES = 100_000;

/**
 * Opens an archive for as long as `use` runs.
 *
 * @param format what to call the format in errors.
 * @throws CorruptFileError for damage, and for an archive that claims far more than it can hold; MissingFileError.
 */
export function withZip<T>(path: string, format: string, use: (archive: ZipArchive) => Promise<T>): Promise<T> {
  const naming = async <R>(work: () => Promise<R>): Promise<R> => {
    try {
      return await work();
    } catch (error) {
      if (error instanceof ZipProblem) throw corruptFile(path, format, error.message);
      // The library's errors carry no class of their own; ours do.
      if (error instanceof Error && (error.constructor === Error || isZlibError(error)))
        throw corruptFile(path, format, error.message, error);
      throw error;
    }
  };
  return withInputFile(path, format, async (file) => {
    const zip = await naming(() =>
      fromRandomAccessReaderPromise(new FileReader(file), file.bytes, { autoClose: false }),
    );
    try {
      const entries = await naming(() => listEntries(zip, file.bytes));
      const entryOf = (name: string) => {
        const entry = entries.get(name);
        if (entry === undefined) throw corruptFile(path, format, `it holds no ${name}`);
        return entry;
      };
      return await use({
        bytes: file.bytes,
        names: [...entries.keys()],
        bytesOf: (name) => entryOf(name).uncompressedSize,
        read: (name) => naming(() => readEntry(zip, entryOf(name))),
        readRange: (name, begin, end) => naming(() => readRange(zip, file, entryOf(name), begin, end)),
      });
    } finally {
      zip.close();
    }
  });
}

class ZipProblem extends Error {}

/**
 * Reads the archive for the library. The library's own reader throws where nobody can catch it when a damaged archive has
 * it read beyond what a file can hold.
 */
class FileReader extends RandomAccessReader {
  readonly #file: InputFile;

  constructor(file: InputFile) {
    super();
    this.#file = file;
  }

  #read(begin: number, end: number): Uint8Array {
    if (!(begin >= 0 && begin <= end && end <= this.#file.bytes))
      throw new ZipProblem(`it refers to bytes ${begin} to ${end}, it has ${this.#file.bytes}`);
    return this.#file.read(begin, end);
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null) => void,
  ): void {
    let error: Error | null = null;
    try {
      buffer.set(this.#read(position, position + length), offset);
    } catch (caught) {
      error = caught as Error;
    }
    setImmediate(callback, error);
  }

  override _readStreamForRange(start: number, end: number): Readable {
    const read = (begin: number) => this.#read(begin, Math.min(end, begin + CHUNK_BYTES));
    function* chunks() {
      for (let begin = start; begin < end; begin += CHUNK_BYTES) yield read(begin);
    }
    return Readable.from(chunks(), { objectMode: false });
  }
}

const CHUNK_BYTES = 2 ** 20;

/** Of Node: errors of zlib, and of reading beyond a buffer's end. */
function isZlibError(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return typeof code === 'string' && /^(Z_|ERR_|ABORT_ERR)/.test(code);
}

async function listEntries(zip: ZipFile, archiveBytes: number): Promise<Map<string, Entry>> {
  if (zip.entryCount > MAX_ENTRIES) throw new ZipProblem(`it claims ${zip.entryCount} entries`);
  const entries = new Map<string, Entry>();
  let packed = 0;
  let unpacked = 0;
  for await (const entry of zip.eachEntry()) {
    const { fileName, compressedSize, uncompressedSize, compressionMethod } = entry;
    if (fileName.endsWith('/')) continue;
    if (entries.has(fileName)) throw new ZipProblem(`it holds ${fileName} twice`);
    if (entry.isEncrypted()) throw new ZipProblem(`${fileName} is encrypted`);
    if (compressionMethod !== 0 && compressionMethod !== 8)
      throw new ZipProblem(`${fileName} is compressed by method ${compressionMethod}, which is not known`);
    packed += compressedSize;
    unpacked += uncompressedSize;
    entries.set(fileName, entry);
  }
  if (packed > archiveBytes) throw new ZipProblem(`its entries claim ${packed} bytes, it has ${archiveBytes}`);
  if (unpacked > maxContentBytes(archiveBytes))
    throw new ZipProblem(`it claims to hold ${unpacked} bytes in ${archiveBytes}`);
  return entries;
}

async function readEntry(zip: ZipFile, entry: Entry): Promise<Uint8Array<ArrayBuffer>> {
  const { fileName, uncompressedSize } = entry;
  const { bytes, length } = await decompress(zip, entry, uncompressedSize, uncompressedSize + 1);
  if (length > uncompressedSize) throw new ZipProblem(`${fileName} is longer than it claims`);
  if (crc32(bytes) !== entry.crc32) throw new ZipProblem(`${fileName} has another checksum`);
  return bytes;
}

/** What is stored as it is, is read where it stands; what is compressed, from its start. */
async function readRange(
  zip: ZipFile,
  file: InputFile,
  entry: Entry,
  begin: number,
  end: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const { fileName, uncompressedSize, compressionMethod } = entry;
  if (end > uncompressedSize) throw new ZipProblem(`${fileName} has ${uncompressedSize} bytes, not ${end}`);
  if (end - begin > MAX_BYTES_IN_MEMORY) throw new ZipProblem(`${fileName} is larger than 2 GiB`);
  if (compressionMethod !== 0) return (await decompress(zip, entry, end, end)).bytes.slice(begin);
  const { fileDataStart } = await zip.readLocalFileHeaderPromise(entry, { minimal: true });
  return file.read(fileDataStart + begin, fileDataStart + end);
}

/**
 * The first `wanted` bytes of an entry.
 *
 * @param limit where to stop: nothing is decompressed beyond.
 * @returns also how many bytes were seen, `wanted` or more.
 */
async function decompress(zip: ZipFile, entry: Entry, wanted: number, limit: number) {
  if (wanted > MAX_BYTES_IN_MEMORY) throw new ZipProblem(`${entry.fileName} is larger than 2 GiB`);
  const bytes = new Uint8Array(wanted);
  let length = 0;
  for await (const chunk of (await zip.openReadStreamPromise(entry)) as AsyncIterable<Buffer>) {
    if (length < wanted) bytes.set(chunk.subarray(0, wanted - length), length);
    length += chunk.length;
    if (length >= limit) break;
  }
  if (length < wanted) throw new ZipProblem(`${entry.fileName} has ${length} of ${wanted} bytes`);
  return { bytes, length };
}
