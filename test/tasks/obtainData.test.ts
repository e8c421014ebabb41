import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { create } from 'tar';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CorruptFileError, MissingFileError } from '../../src/errors.js';
import type { ProgressEvent } from '../../src/progress.js';
import type { DataSource } from '../../src/tasks/dataSource.js';
import { findDataSource } from '../../src/tasks/dataset.js';
import { isPresent, obtainData } from '../../src/tasks/obtainData.js';
import { unpackTarGz } from '../../src/tasks/unpack.js';

/** IDX bytes of `count` 28x28 images or of their labels. */
function idx(count: number, images: boolean): Uint8Array {
  const header = images ? [0, 0, 8, 3, 0, 0, 0, count, 0, 0, 0, 28, 0, 0, 0, 28] : [0, 0, 8, 1, 0, 0, 0, count];
  return Uint8Array.of(...header, ...Array.from({ length: count * (images ? 784 : 1) }, (_, i) => i % 10));
}

const FILES: Record<string, Uint8Array> = {
  'train-images-idx3-ubyte.gz': gzipSync(idx(5, true)),
  'train-labels-idx1-ubyte.gz': gzipSync(idx(5, false)),
  't10k-images-idx3-ubyte.gz': gzipSync(idx(2, true)),
  't10k-labels-idx1-ubyte.gz': gzipSync(idx(2, false)),
};

let directory: string;
let server: Server;
let served: Map<string, Uint8Array | number>;
let address: string;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'obtain-'));
  served = new Map(Object.entries(FILES));
  server = createServer((request, response) => {
    const content = served.get(request.url!.slice(1)) ?? 404;
    if (typeof content === 'number') response.writeHead(content).end('no');
    else response.writeHead(200).end(content);
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  await new Promise((closed) => {
    server.close(closed);
    server.closeAllConnections();
  });
  rmSync(directory, { recursive: true });
});

/** Fashion-MNIST as it is, but with these small files behind the local server. */
function localFashion(files: Record<string, Uint8Array> = FILES): DataSource {
  return {
    ...findDataSource('fashion-mnist'),
    downloads: Object.entries(files).map(([file, content]) => ({
      url: `${address}/${file}`,
      bytes: content.length,
      checksum: { algorithm: 'md5', hex: createHash('md5').update(content).digest('hex') },
      unpack: null,
    })),
  };
}

async function expectNothingLeft(work: Promise<unknown>, message: RegExp, type: new (...a: never[]) => Error) {
  await expect(work).rejects.toThrow(message);
  await expect(work).rejects.toBeInstanceOf(type);
  expect(readdirSync(directory)).toEqual([]);
}

describe('obtainData', () => {
  it('downloads, checks, and puts the files in place', async () => {
    const events: ProgressEvent[] = [];
    const source = localFashion();
    expect(isPresent(source, directory)).toBe(false);
    const result = await obtainData(source, { directory, onProgress: (event) => events.push(event) });
    expect(result).toMatchObject({ origin: 'downloaded', trainExamples: 5, validationExamples: 2 });
    for (const [file, content] of Object.entries(FILES)) {
      expect(readFileSync(join(directory, 'fashion-mnist', file))).toEqual(Buffer.from(content));
    }
    expect(readdirSync(directory)).toEqual(['fashion-mnist']);
    expect(isPresent(source, directory)).toBe(true);
    expect(events.at(-1)!.done).toBeCloseTo(events.at(-1)!.total, 9);
    expect(events.map(({ done }) => done)).toEqual(events.map(({ done }) => done).sort((a, b) => a - b));
  });

  it('downloads once, and again only when what is there is broken', async () => {
    const source = localFashion();
    await obtainData(source, { directory });
    served.clear();
    expect(await obtainData(source, { directory })).toMatchObject({ origin: 'already there', trainExamples: 5 });
    const broken = join(directory, 'fashion-mnist', 't10k-images-idx3-ubyte.gz');
    writeFileSync(broken, 'broken');
    await expect(obtainData(source, { directory })).rejects.toThrow(MissingFileError);
    expect(readFileSync(broken, 'utf8')).toBe('broken');
    served = new Map(Object.entries(FILES));
    expect(await obtainData(source, { directory })).toMatchObject({ origin: 'downloaded' });
    expect(readFileSync(broken)).toEqual(Buffer.from(FILES['t10k-images-idx3-ubyte.gz']));
  });

  it('leaves nothing when a file is missing, altered, too short or too long', async () => {
    const source = localFashion();
    const name = 't10k-images-idx3-ubyte.gz';
    const good = FILES[name];
    served.set(name, 404);
    await expectNothingLeft(
      obtainData(source, { directory }),
      /HTTP status 404.*t10k-images.*--from/,
      MissingFileError,
    );
    const altered = Uint8Array.from(good);
    altered[20] ^= 1;
    served.set(name, altered);
    await expectNothingLeft(obtainData(source, { directory }), /wrong md5 checksum.*t10k-images/, CorruptFileError);
    served.set(name, good.subarray(0, good.length - 1));
    await expectNothingLeft(obtainData(source, { directory }), /wrong length.*t10k-images/, CorruptFileError);
    served.set(name, Uint8Array.of(...good, 0));
    await expectNothingLeft(obtainData(source, { directory }), /wrong length.*t10k-images/, CorruptFileError);
  });

  it('says so when the address does not answer', async () => {
    const source = localFashion();
    const free = { ...source, downloads: [{ ...source.downloads![0], url: 'http://127.0.0.1:1/file.gz' }] };
    await expectNothingLeft(obtainData(free, { directory }), /download failed .*127\.0\.0\.1:1/, MissingFileError);
  });

  it('stops when aborted', async () => {
    const stop = new AbortController();
    const work = obtainData(localFashion(), {
      directory,
      signal: stop.signal,
      onProgress: () => stop.abort(new Error('enough')),
    });
    await expectNothingLeft(work, /enough/, Error);
  });

  it('copies files that are already there, plain or compressed', async () => {
    const from = mkdtempSync(join(tmpdir(), 'from-'));
    for (const [file, content] of Object.entries(FILES)) writeFileSync(join(from, file), content);
    rmSync(join(from, 'train-labels-idx1-ubyte.gz'));
    const source = findDataSource('fashion-mnist');
    await expectNothingLeft(
      obtainData(source, { directory, from }),
      /fashion-mnist has no train-labels-idx1-ubyte: .*from-/,
      MissingFileError,
    );
    writeFileSync(join(from, 'train-labels-idx1-ubyte'), idx(4, false));
    await expectNothingLeft(obtainData(source, { directory, from }), /labels of shape \[4\]/, CorruptFileError);
    writeFileSync(join(from, 'train-labels-idx1-ubyte'), idx(5, false));
    expect(await obtainData(source, { directory, from })).toMatchObject({ origin: 'copied', trainExamples: 5 });
    expect(existsSync(join(directory, 'fashion-mnist', 'train-labels-idx1-ubyte'))).toBe(true);
    rmSync(from, { recursive: true });
  });

  it('unpacks an archive, downloaded or already there, and refuses a broken one', async () => {
    const work = mkdtempSync(join(tmpdir(), 'archive-'));
    const folder = join(work, 'cifar-10-batches-bin');
    mkdirSync(folder);
    for (const file of ['data_batch_1', 'data_batch_2', 'data_batch_3', 'data_batch_4', 'data_batch_5', 'test_batch']) {
      writeFileSync(join(folder, `${file}.bin`), new Uint8Array(3073 * 2).fill(7));
    }
    const path = join(work, 'cifar-10-binary.tar.gz');
    await create({ file: path, gzip: true, cwd: work }, ['cifar-10-batches-bin']);
    const archive = readFileSync(path);
    const withArchive = (content: Uint8Array): DataSource => ({
      ...findDataSource('cifar10'),
      downloads: [
        {
          url: `${address}/cifar-10-binary.tar.gz`,
          bytes: content.length,
          checksum: { algorithm: 'sha256', hex: createHash('sha256').update(content).digest('hex') },
          unpack: unpackTarGz,
        },
      ],
    });
    const source = withArchive(archive);
    served.set('cifar-10-binary.tar.gz', archive);
    const downloaded = await obtainData(source, { directory });
    expect(downloaded).toMatchObject({ origin: 'downloaded', trainExamples: 10, validationExamples: 2 });
    expect(existsSync(join(directory, 'cifar10', 'cifar-10-binary.tar.gz'))).toBe(false);
    rmSync(join(directory, 'cifar10'), { recursive: true });

    expect(await obtainData(source, { directory, from: work })).toMatchObject({
      origin: 'copied',
      trainExamples: 10,
    });
    rmSync(join(directory, 'cifar10'), { recursive: true });
    rmSync(path);
    expect(await obtainData(source, { directory, from: work })).toMatchObject({
      origin: 'copied',
      trainExamples: 10,
    });
    rmSync(join(directory, 'cifar10'), { recursive: true });

    const cut = archive.subarray(0, archive.length - 20);
    served.set('cifar-10-binary.tar.gz', cut);
    await expectNothingLeft(obtainData(withArchive(cut), { directory }), /cannot unpack/, CorruptFileError);
    writeFileSync(path, cut);
    await expectNothingLeft(obtainData(source, { directory, from: work }), /wrong sha256/, CorruptFileError);
    rmSync(work, { recursive: true });
  });

  it('has nothing to do for MNIST', async () => {
    expect(await obtainData(findDataSource('mnist'), { directory })).toMatchObject({ origin: 'installed' });
    expect(readdirSync(directory)).toEqual([]);
  });
});
