// Debian packages: the file system that one carries, as a tar stream. A package is an `ar` archive (deb(5)); installing it is
// not done here.

import { openAsBlob } from 'node:fs';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import xz from 'xz-decompress';

const MAGIC = '!<arch>\n';
/** ar's header of a member: name, times and modes, and at 48 its size in decimal, 10 bytes. */
const HEADER = 60;
const MEMBER = 'data.tar.xz';

/**
 * The tar stream of a package's files.
 *
 * @throws Error when it is not a Debian package with `data.tar.xz`; the stream errors when the compressed data are damaged.
 */
export async function openDeb(path: string): Promise<Readable> {
  const file = await openAsBlob(path);
  const text = (from: number, to: number) => file.slice(from, to).text();
  if ((await text(0, MAGIC.length)) !== MAGIC) throw new Error('not an ar archive');
  for (let at = MAGIC.length; at + HEADER <= file.size; ) {
    const header = await text(at, at + HEADER);
    const size = Number(header.slice(48, 58));
    if (!(Number.isInteger(size) && size >= 0 && at + HEADER + size <= file.size)) break;
    at += HEADER;
    if (header.slice(0, 16).trim().replace(/\/$/, '') === MEMBER) {
      const compressed = file.slice(at, at + size).stream();
      return Readable.fromWeb(new xz.XzReadableStream(compressed) as unknown as ReadableStream);
    }
    // Members begin at even addresses.
    at += size + (size % 2);
  }
  throw new Error(`no ${MEMBER} in it`);
}
