// Installs a dataset where loadDataset finds it: downloads it from its official address and verifies it, or copies it from
// a directory. The dataset's folder appears only when it is complete and readable.

import { createHash } from 'node:crypto';
import { closeSync, copyFileSync, existsSync, openSync, readdirSync, rmSync, statSync, writeSync } from 'node:fs';
import { basename, join } from 'node:path';
import { asWriteError } from '../atomic.js';
import { CorruptFileError, MissingFileError } from '../errors.js';
import { checkReplaceable, discardStaging, openStaging, publishDirectory } from '../files/directory.js';
import type { ProgressListener } from '../progress.js';
import type { DataSource, Download } from './dataSource.js';
import { imagesDirectory } from './dataset.js';
import { readExistingFile } from './readFile.js';
import type { Unpack } from './unpack.js';

/** Options of {@link obtainData}. */
export interface ObtainDataOptions {
  /** Directory with the dataset's files or its official archive. Default: download. */
  from?: string;
  /** Directory that holds a folder for each image dataset. Default: `imagesDirectory()`. */
  directory?: string;
  onProgress?: ProgressListener;
  signal?: AbortSignal;
}

/** Result of {@link obtainData}. */
export interface ObtainDataResult {
  name: string;
  /** Where it came from. `installed`: part of the installation, nothing to do. */
  origin: 'installed' | 'already there' | 'copied' | 'downloaded';
  /** Paths of its files. */
  files: string[];
  /** Their total size. */
  bytes: number;
  trainExamples: number;
  validationExamples: number;
}

/** Whether a dataset's files exist; their content is not checked. */
export function isPresent(source: DataSource, directory: string = imagesDirectory()): boolean {
  try {
    source.locate(join(directory, source.name));
    return true;
  } catch (error) {
    if (error instanceof MissingFileError) return false;
    throw error;
  }
}

/**
 * Downloads or copies a dataset unless a complete one exists. Unreadable files are replaced after the new ones have been
 * verified.
 *
 * @throws {@link MissingFileError} when the download fails or `from` lacks a file; {@link CorruptFileError} when a checksum
 * or a file's content is wrong; WriteError; `signal.reason` when aborted. Partial files are removed.
 */
export async function obtainData(source: DataSource, options: ObtainDataOptions = {}): Promise<ObtainDataResult> {
  const target = join(options.directory ?? imagesDirectory(), source.name);
  if (source.downloads === null) return describe(source, target, 'installed');
  if (existsSync(target)) {
    try {
      return describe(source, target, 'already there');
    } catch (error) {
      if (!(error instanceof CorruptFileError || error instanceof MissingFileError)) throw error;
    }
  }
  const place = openStaging(target);
  const staging = place.directory;
  try {
    if (options.from === undefined) await downloadAll(source, source.downloads, staging, options);
    else await takeFrom(options.from, source, source.downloads, staging);
    describe(source, staging, 'downloaded');
    const files = new Set(readdirSync(staging));
    publishDirectory(place, (path) =>
      checkReplaceable(path, {
        isOwn: (name) => files.has(name),
        content: `the dataset ${source.name}`,
        option: '--dir',
      }),
    );
  } catch (error) {
    throw isSystemError(error) ? asWriteError(error, target) : error;
  } finally {
    discardStaging(place);
  }
  return describe(source, target, options.from === undefined ? 'downloaded' : 'copied');
}

/** Reads the whole dataset to verify it, and describes it. */
function describe(source: DataSource, directory: string, origin: ObtainDataResult['origin']): ObtainDataResult {
  const { train, validation } = source.read(directory);
  const files = source.locate(directory);
  return {
    name: source.name,
    origin,
    files,
    bytes: files.reduce((sum, file) => sum + statSync(file).size, 0),
    trainExamples: train.count,
    validationExamples: validation.count,
  };
}

async function takeFrom(
  from: string,
  source: DataSource,
  downloads: readonly Download[],
  staging: string,
): Promise<void> {
  for (const download of downloads) {
    const path = join(from, basename(download.url));
    if (download.unpack === null || !existsSync(path)) continue;
    const hex = createHash(download.checksum.algorithm).update(readExistingFile(path)).digest('hex');
    checkSum(download, hex, path);
    await unpack(download.unpack, path, staging);
    return;
  }
  for (const file of source.locate(from)) copyFileSync(file, join(staging, basename(file)));
}

async function downloadAll(
  source: DataSource,
  downloads: readonly Download[],
  staging: string,
  { onProgress, signal }: ObtainDataOptions,
): Promise<void> {
  const total = downloads.reduce((sum, { bytes }) => sum + bytes, 0) / 1e6;
  let earlier = 0;
  for (const download of downloads) {
    const file = basename(download.url);
    const path = join(staging, file);
    await downloadFile(download, path, signal, (bytes) => {
      onProgress?.({ task: `get ${source.name}`, done: (earlier + bytes) / 1e6, total, unit: 'MB', detail: file });
    });
    earlier += download.bytes;
    if (download.unpack !== null) {
      await unpack(download.unpack, path, staging);
      rmSync(path);
    }
  }
}

async function downloadFile(
  download: Download,
  path: string,
  signal: AbortSignal | undefined,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const hash = createHash(download.checksum.algorithm);
  const descriptor = openSync(path, 'w');
  let received = 0;
  try {
    for await (const chunk of openDownload(download.url, signal)) {
      received += chunk.length;
      if (received > download.bytes) throw wrongDownload(download, `more than ${download.bytes} bytes`);
      hash.update(chunk);
      for (let offset = 0; offset < chunk.length; ) offset += writeSync(descriptor, chunk, offset);
      onBytes(received);
    }
  } finally {
    closeSync(descriptor);
  }
  if (received < download.bytes) throw wrongDownload(download, `${received} of ${download.bytes} bytes`);
  checkSum(download, hash.digest('hex'), download.url);
}

/** Streams a download; network errors become an error that says how to proceed by hand. */
async function* openDownload(url: string, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  try {
    const response = await fetch(url, { signal });
    if (!response.ok || response.body === null) throw new Error(`HTTP status ${response.status}`);
    for await (const chunk of response.body) yield chunk as Uint8Array;
  } catch (cause) {
    signal?.throwIfAborted();
    const reason = cause instanceof Error && cause.cause instanceof Error ? cause.cause.message : String(cause);
    throw new MissingFileError({
      what: `download failed (${reason.replace(/^Error: /, '')})`,
      where: url,
      remedy: 'try again, or download it by hand and give its directory with --from',
      cause,
    });
  }
}

async function unpack(by: Unpack, archive: string, directory: string): Promise<void> {
  try {
    await by(archive, directory);
  } catch (cause) {
    if (isSystemError(cause)) throw cause;
    throw new CorruptFileError({ what: 'cannot unpack', where: archive, remedy: 'fetch the archive again', cause });
  }
}

/** Whether it is an error of the file system rather than of the archive (codes TAR_ and Z_). */
function isSystemError(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  return typeof code === 'string' && /^E[A-Z]+$/.test(code);
}

function checkSum(download: Download, hex: string, where: string): void {
  const { algorithm, hex: expected } = download.checksum;
  if (hex === expected) return;
  throw new CorruptFileError({
    what: `wrong ${algorithm} checksum (${hex}, expected ${expected})`,
    where,
    remedy: 'fetch it again',
  });
}

function wrongDownload(download: Download, found: string): CorruptFileError {
  return new CorruptFileError({ what: `wrong length (${found})`, where: download.url, remedy: 'try again' });
}
