// Zip archives: which entries there are, and the bytes of one. Sizes are checked before memory is taken for them.

import { crc32 } from 'node:zlib';
import { type Entry, openPromise, type ZipFile } from 'yauzl';
import { corruptCheckpoint } from './checkpoint.js';
import { MAX_BYTES_IN_MEMORY, withInputFile } from './inputFile.js';

/** An open archive. */
export interface ZipArchive {
  /** In the order of the archive's directory. */
  names: string[];
  /** The bytes of an entry, decompressed. */
  read(name: string): Promise<Uint8Array<ArrayBuffer>>;
}

const MAX_ENTRIES = 100_000;
/**
 * Entries may claim this many times the size of the archive, together. Weights hardly compress; even a network that is
 * zeros for the most part comes to less.
 */
const MAX_EXPANSION = 64;
const FREE_EXPANSION_BYTES = 64 * 2 ** 20;

/**
 * Opens an archive for as long as `use` runs.
 *
 * @param format what to call the format in errors.
 * @throws CorruptFileError for damage, and for an archive that claims far more than it can hold; MissingFileError.
 */
export function withZip<T>(path: string, format: string, use: (archive: ZipArchive) => Promise<T>): Promise<T> {
  const corrupt = (problem: string, cause?: unknown) => corruptCheckpoint(path, format, problem, cause);
  return withInputFile(path, format, async ({ bytes: archiveBytes }) => {
    let zip: ZipFile | undefined;
    try {
      zip = await openPromise(path, { autoClose: false });
      const entries = await listEntries(zip, archiveBytes);
      return await use({
        names: [...entries.keys()],
        read: async (name) => {
          const entry = entries.get(name);
          if (entry === undefined) throw new ZipProblem(`it holds no ${name}`);
          return readEntry(zip as ZipFile, entry);
        },
      });
    } catch (error) {
      if (error instanceof ZipProblem) throw corrupt(error.message);
      // The library's errors carry no class of their own; ours do.
      if (error instanceof Error && error.constructor === Error) throw corrupt(error.message, error);
      if (isZlibError(error)) throw corrupt((error as Error).message, error);
      throw error;
    } finally {
      zip?.close();
    }
  });
}

class ZipProblem extends Error {}

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
  if (unpacked > Math.max(FREE_EXPANSION_BYTES, archiveBytes * MAX_EXPANSION))
    throw new ZipProblem(`it claims to hold ${unpacked} bytes in ${archiveBytes}`);
  return entries;
}

async function readEntry(zip: ZipFile, entry: Entry): Promise<Uint8Array<ArrayBuffer>> {
  const { fileName, uncompressedSize } = entry;
  if (uncompressedSize > MAX_BYTES_IN_MEMORY) throw new ZipProblem(`${fileName} is larger than 2 GiB`);
  const stream = await zip.openReadStreamPromise(entry);
  const bytes = new Uint8Array(uncompressedSize);
  let length = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    if (length + chunk.length > bytes.length) throw new ZipProblem(`${fileName} is longer than it claims`);
    bytes.set(chunk, length);
    length += chunk.length;
  }
  if (length !== bytes.length) throw new ZipProblem(`${fileName} has ${length} of ${bytes.length} bytes`);
  if (crc32(bytes) !== entry.crc32) throw new ZipProblem(`${fileName} has another checksum`);
  return bytes;
}
