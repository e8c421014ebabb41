import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { unpackDeb } from '../../src/tasks/unpack.js';

const root = mkdtempSync(join(tmpdir(), 'wnn-unpack-'));
afterAll(() => rmSync(root, { recursive: true }));

/** A Debian package: usr/share/words/a.txt (alpha), usr/share/words/more/b.txt, usr/share/doc/a.txt; made by Python's tarfile and lzma. */
const PACKAGE = Buffer.from(
  [
    'ITxhcmNoPgpkZWJpYW4tYmluYXJ5ICAgMCAgICAgICAgICAgMCAgICAgMCAgICAgMTAwNjQ0ICA0ICAgICAgICAgYAoyLjAKY29u',
    'dHJvbC50YXIueHogIDAgICAgICAgICAgIDAgICAgIDAgICAgIDEwMDY0NCAgMyAgICAgICAgIGAKb2RkCmRhdGEudGFyLnh6ICAg',
    'ICAwICAgICAgICAgICAwICAgICAwICAgICAxMDA2NDQgIDIyOCAgICAgICBgCv03elhaAAAE5ta0RgIAIQEWAAAAdC/lo+An/wCi',
    'XQAXC8snifLtN+1B06mwLRsqgR+Ly/LScPqaZHiWhTHIr/tC3CzaoHAcW2vpgL/2sZYJe/UDv0PsJkX42gzpKog2zTw/ELHyiLLI',
    'yvqU9vt6HEcRruTsrSWD8QvYk6tCg43ke4/8A0hgLDn/aLParv7/WM6Tr08Y/62rDyfGcQtCEaKcorIWMvpBI34aurbaOuPu4iW6',
    'sopYs0R6atdSTkw5QwAAAABScCD/EXVcHAABvgGAUAAA4xcQX7HEZ/sCAAAAAARZWg==',
  ].join(''),
  'base64',
);

async function unpack(name: string, content: Uint8Array): Promise<string> {
  const archive = join(root, `${name}.deb`);
  const directory = join(root, name);
  writeFileSync(archive, content);
  mkdirSync(directory);
  await unpackDeb('usr/share/words')(archive, directory);
  return directory;
}

it('takes the files of one folder of a Debian package', async () => {
  const directory = await unpack('whole', PACKAGE);
  expect(readdirSync(directory)).toEqual(['a.txt']);
  expect(readFileSync(join(directory, 'a.txt'), 'utf8')).toBe('alpha');
});

it('refuses what is no package, and damaged ones', async () => {
  await expect(unpack('text', Buffer.from('no archive'))).rejects.toThrow('not an ar archive');
  await expect(unpack('short', PACKAGE.subarray(0, PACKAGE.length - 40))).rejects.toThrow('no data.tar.xz');
  const damaged = Buffer.from(PACKAGE);
  damaged.fill(0x55, damaged.length - 120, damaged.length - 80);
  await expect(unpack('damaged', damaged)).rejects.toThrow();
});
