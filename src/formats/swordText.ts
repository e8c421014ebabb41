// Compressed texts of the SWORD project (zText modules, https://wiki.crosswire.org/DevTools:Modules): blocks of OSIS XML,
// each compressed by zlib, and an index of them. The index of verses is not read: blocks follow one another.

import { inflateSync } from 'node:zlib';

/** One entry of the index: position, length and inflated length of a block, uint32 each, little-endian. */
const ENTRY = 12;
/** Inflated bytes of one module, at most. */
const MOST = 2 ** 28;

/**
 * The OSIS XML of a module's part.
 *
 * @param index content of `ot.bzs` or `nt.bzs`.
 * @param blocks content of `ot.bzz` or `nt.bzz`.
 * @throws Error when index and blocks do not fit, or the compressed data are damaged.
 */
export function decodeSwordText(index: Uint8Array, blocks: Uint8Array): string {
  if (index.length % ENTRY !== 0) throw new Error(`an index of ${index.length} bytes`);
  const view = new DataView(index.buffer, index.byteOffset, index.length);
  const parts: Buffer[] = [];
  let total = 0;
  for (let entry = 0; entry < index.length; entry += ENTRY) {
    const [position, length, inflated] = [0, 4, 8].map((offset) => view.getUint32(entry + offset, true));
    if (length === 0) continue;
    total += inflated;
    if (position + length > blocks.length || total > MOST) throw new Error(`impossible block at ${entry}`);
    const block = inflateSync(blocks.subarray(position, position + length), { maxOutputLength: inflated });
    if (block.length !== inflated) throw new Error(`a block of ${block.length} bytes instead of ${inflated}`);
    parts.push(block);
  }
  return Buffer.concat(parts).toString('utf8');
}

const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** The text of OSIS XML: a line each paragraph and line of verse, without notes, headings and verse numbers. */
export function plainText(osis: string): string {
  return osis
    .replace(/<(note|title|rdg|speaker)\b(?:[^>]*[^/>])?>.*?<\/\1>/gs, ' ')
    .replace(/<(div|l|lb|lg|chapter|p)\b[^>]*>/g, '\n')
    .replace(/<[^>]*>/g, '')
    .replace(/&(\w+);/g, (entity, name) => ENTITIES[name] ?? entity)
    .replace(/[^\S\n]+/g, ' ')
    .replace(/ ([,.;:?!’”)])/g, '$1')
    .replace(/ ?\n[ \n]*/g, '\n')
    .trim();
}
