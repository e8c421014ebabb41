import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { CorruptFileError } from '../../src/errors.js';
import { withZip } from '../../src/formats/zip.js';
import { makeZip, put } from '../collect/import/makeFiles.js';

const scratch = mkdtempSync(join(tmpdir(), 'wnn-zip-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();

test('gives whole entries and parts of them, stored or compressed', async () => {
  const data = Buffer.from('0123456789');
  const path = put(
    join(scratch, 'a.zip'),
    makeZip([
      { name: 's', data },
      { name: 'd', data, deflate: true },
    ]),
  );
  await withZip(path, 'zip', async ({ names, bytesOf, read, readRange }) => {
    expect(names).toEqual(['s', 'd']);
    for (const name of names) {
      expect(bytesOf(name)).toBe(10);
      expect(text(await read(name))).toBe('0123456789');
      expect(text(await readRange(name, 3, 7))).toBe('3456');
      expect(text(await readRange(name, 10, 10))).toBe('');
      await expect(readRange(name, 5, 11)).rejects.toThrow(/has 10 bytes, not 11/);
    }
    await expect(read('x')).rejects.toThrow(/holds no x/);
  });
});

/** A zip64 archive (APPNOTE.TXT 4.3.14): one stored entry of that length, all zeros but what `ends` says, and its directory. */
function writeHuge(path: string, length: number, ends: string, directoryOffset?: bigint): void {
  const header = Buffer.alloc(30 + 1 + 20);
  header.write('PK\x03\x04', 'latin1');
  header.writeUInt16LE(45, 4);
  header.fill(0xff, 18, 26);
  header.writeUInt16LE(1, 26);
  header.writeUInt16LE(20, 28);
  header.write('w', 30);
  const sizes = Buffer.alloc(20);
  sizes.writeUInt16LE(1, 0);
  sizes.writeUInt16LE(16, 2);
  sizes.writeBigUInt64LE(BigInt(length), 4);
  sizes.writeBigUInt64LE(BigInt(length), 12);
  sizes.copy(header, 31);
  const entry = Buffer.alloc(46 + 1);
  entry.write('PK\x01\x02', 'latin1');
  entry.writeUInt16LE(45, 6);
  entry.fill(0xff, 20, 28);
  entry.writeUInt16LE(1, 28);
  entry.writeUInt16LE(20, 30);
  entry.write('w', 46);
  const directory = Buffer.concat([entry, sizes]);
  const at = BigInt(header.length + length);
  const end64 = Buffer.alloc(56);
  end64.write('PK\x06\x06', 'latin1');
  end64.writeBigUInt64LE(44n, 4);
  end64.writeBigUInt64LE(1n, 24);
  end64.writeBigUInt64LE(1n, 32);
  end64.writeBigUInt64LE(BigInt(directory.length), 40);
  end64.writeBigUInt64LE(at, 48);
  const locator = Buffer.alloc(20);
  locator.write('PK\x06\x07', 'latin1');
  locator.writeBigUInt64LE(directoryOffset ?? at + BigInt(directory.length), 8);
  const end = Buffer.alloc(22, 0xff);
  end.write('PK\x05\x06\0\0\0\0', 'latin1');
  end.writeUInt16LE(0, 20);
  const file = openSync(path, 'w');
  writeSync(file, header, 0, header.length, 0);
  ftruncateSync(file, Number(at));
  writeSync(file, Buffer.from(ends), 0, ends.length, Number(at) - ends.length);
  writeSync(file, Buffer.concat([directory, end64, locator, end]), 0, undefined, Number(at));
  closeSync(file);
}

test('reads a part of an entry of 5 GB without the rest', async () => {
  const path = join(scratch, 'huge.zip');
  writeHuge(path, 5e9, 'weights');
  await withZip(path, 'zip', async ({ bytesOf, read, readRange }) => {
    expect(bytesOf('w')).toBe(5e9);
    expect(text(await readRange('w', 5e9 - 7, 5e9))).toBe('weights');
    await expect(read('w')).rejects.toThrow(/larger than 2 GiB/);
  });
});

test('that refers beyond what a file can hold is refused', async () => {
  const path = join(scratch, 'beyond.zip');
  writeHuge(path, 100, '', 2n ** 64n - 2n ** 24n);
  const opening = withZip(path, 'zip', async () => {});
  await expect(opening).rejects.toThrow(CorruptFileError);
  await expect(opening).rejects.toThrow(/beyond\.zip/);
});
