// Writes weights-00000.parquet ...: the snapshots of a finished run. One row a tensor and epoch; row groups of whole
// epochs. It streams: about one row group, compressed, and one page are in memory. The reader is weightsReader.ts.

import { closeSync, fsync, openSync, readdirSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { crc32 } from 'node:zlib';
import { asWriteError } from '../atomic.js';
import { temporaryName } from '../files/temporary.js';
import { TOOLKIT_VERSION } from '../version.js';
import { countValues, WEIGHTS_FILE_PATTERN } from './manifest.js';
import { describeGroup, encodeFooter, MAGIC } from './parquetEncode.js';
import type { Snapshot, TensorSpec, WeightsFile } from './schema.js';
import type { ThriftEncoded } from './thriftWriter.js';
import { describeArrowTypes, type EncodedGroup, GroupEncoder, SCHEMA } from './weightsColumns.js';

const flush = promisify(fsync);

/** Raw bytes of values in a row group; at least one epoch. Small enough to hold, large enough to compress well. */
const ROW_GROUP_BYTES = 8 * 2 ** 20;
/** Raw bytes of values in a file; at least one row group. */
const PART_BYTES = 256 * 2 ** 20;
/** Removes the weight files of a run but those named. */
export function removeWeightsFiles(directory: string, keep: readonly WeightsFile[] = []): void {
  for (const name of readdirSync(directory)) {
    if (!WEIGHTS_FILE_PATTERN.test(name) || keep.some((file) => file.name === name)) continue;
    rmSync(join(directory, name), { force: true });
  }
}

/** Sizes that tests make small. */
export interface ParquetSizes {
  /** Raw bytes of values in a row group. Default 8 MiB. */
  rowGroupBytes?: number;
  /** Raw bytes of values in a file. Default 256 MiB. */
  partBytes?: number;
}

/**
 * Writes snapshots to the weight files of a run, and removes those of an earlier attempt. Each file appears whole.
 *
 * @returns the files in order; none for no epochs.
 * @throws WriteError when the disk is full; no temporary file is left.
 */
export async function writeWeightsParquet(
  directory: string,
  tensors: readonly TensorSpec[],
  snapshots: Iterable<Snapshot> | AsyncIterable<Snapshot>,
  { rowGroupBytes = ROW_GROUP_BYTES, partBytes = PART_BYTES }: ParquetSizes = {},
): Promise<WeightsFile[]> {
  const epochBytes = 4 * tensors.reduce((sum, { shape }) => sum + countValues(shape), 0);
  const epochsPerGroup = Math.max(1, Math.floor(rowGroupBytes / Math.max(1, epochBytes)));
  const epochsPerPart = epochsPerGroup * Math.max(1, Math.floor(partBytes / Math.max(1, epochBytes * epochsPerGroup)));
  const files: WeightsFile[] = [];
  let part: PartWriter | undefined;
  let epochs = 0;
  const group = new GroupEncoder(tensors);
  const finishPart = async () => {
    if (part === undefined) return;
    if (group.epochs > 0) part.add(group.finish());
    files.push(await part.finish());
    part = undefined;
  };
  try {
    for await (const snapshot of snapshots) {
      part ??= new PartWriter(directory, `weights-${String(files.length).padStart(5, '0')}.parquet`);
      group.add(snapshot);
      epochs++;
      if (group.epochs === epochsPerGroup) part.add(group.finish());
      if (epochs % epochsPerPart === 0) await finishPart();
    }
    await finishPart();
  } finally {
    part?.abandon();
  }
  removeWeightsFiles(directory, files);
  return files;
}

/** Writes one file under a temporary name. */
class PartWriter {
  readonly #name: string;
  readonly #path: string;
  readonly #temporary: string;
  #descriptor: number | undefined;
  #bytes = 0;
  #crc32 = 0;
  #rows = 0;
  readonly #groups: ThriftEncoded[] = [];

  constructor(directory: string, name: string) {
    this.#name = name;
    this.#path = join(directory, name);
    this.#temporary = temporaryName(this.#path);
    try {
      this.#descriptor = openSync(this.#temporary, 'w');
    } catch (error) {
      throw asWriteError(error, this.#path);
    }
    this.#write(MAGIC);
  }

  add({ rows, chunks }: EncodedGroup): void {
    const { group } = describeGroup(chunks, rows, this.#groups.length, this.#bytes);
    for (const { pages } of chunks) for (const { bytes } of pages) for (const part of bytes) this.#write(part);
    this.#groups.push(group);
    this.#rows += rows;
  }

  /** Ends the file and gives it its name. */
  async finish(): Promise<WeightsFile> {
    const createdBy = `weight-nowcaster version ${TOOLKIT_VERSION}`;
    this.#write(encodeFooter(SCHEMA, this.#groups, this.#rows, createdBy, { 'ARROW:schema': describeArrowTypes() }));
    try {
      await flush(this.#open);
      this.#close();
      renameSync(this.#temporary, this.#path);
    } catch (error) {
      throw asWriteError(error, this.#path);
    }
    return { name: this.#name, bytes: this.#bytes, crc32: this.#crc32 };
  }

  /** Removes what was written. */
  abandon(): void {
    this.#close();
    rmSync(this.#temporary, { force: true });
  }

  get #open(): number {
    if (this.#descriptor === undefined) throw new Error('file is closed');
    return this.#descriptor;
  }

  #close(): void {
    if (this.#descriptor === undefined) return;
    const descriptor = this.#descriptor;
    this.#descriptor = undefined;
    closeSync(descriptor);
  }

  #write(bytes: Uint8Array): void {
    try {
      for (let offset = 0; offset < bytes.length; ) offset += writeSync(this.#open, bytes, offset);
    } catch (error) {
      throw asWriteError(error, this.#path);
    }
    this.#bytes += bytes.length;
    this.#crc32 = crc32(bytes, this.#crc32);
  }
}
