// Writes ZSTD frames (RFC 8878) of Huffman-coded, repeated and plain blocks. It looks for no repetitions of longer
// texts: in the bytes of weights there are next to none, and without it a frame is made several times as fast.

import { writeLiterals } from './huffmanLiterals.js';

/** The format's limit. */
const BLOCK_BYTES = 2 ** 17;
/** Below this a block's description costs more than it saves. */
const LEAST_CODED = 64;
/** Of each so many bytes one is looked at first; more bits a byte than this among them: noise, stored plain. */
const SAMPLE_STEP = 16;
const NOISE_BITS = 7.8;

const MAGIC = [0x28, 0xb5, 0x2f, 0xfd];
/** Four bytes of content size; a window of 128 KiB, all that a decoder must hold. */
const DESCRIPTOR = [0x80, 0x38];
const BlockKind = { plain: 0, repeated: 1, coded: 2 } as const;

const counts = new Uint32Array(256);

/** The longest that the frame of these sections can become. */
export function mostZstdBytes(sections: readonly Uint8Array[]): number {
  const size = sections.reduce((sum, { length }) => sum + length, 0);
  const blocks = sections.reduce((sum, { length }) => sum + Math.ceil(length / BLOCK_BYTES), 0);
  return 10 + size + 3 * Math.max(1, blocks);
}

/**
 * Compresses sections, one after the other, into one frame. Blocks do not go over the ends of sections, so bytes of
 * different statistics belong into different ones. Equal input gives equal bytes.
 *
 * @param out where the frame goes, with room for {@link mostZstdBytes}. Default: memory of its own.
 * @returns the frame, a view of `out`.
 */
export function compressZstd(
  sections: readonly Uint8Array[],
  out: Uint8Array = new Uint8Array(mostZstdBytes(sections)),
): Uint8Array {
  const size = sections.reduce((sum, { length }) => sum + length, 0);
  out.set([...MAGIC, ...DESCRIPTOR, size, size >> 8, size >> 16, size >>> 24]);
  let end = 10;
  let left = size;
  if (size === 0) {
    writeHeader(out, end, BlockKind.plain, 0, true);
    return out.subarray(0, end + 3);
  }
  for (const section of sections)
    for (let offset = 0; offset < section.length; offset += BLOCK_BYTES) {
      const block = section.subarray(offset, offset + BLOCK_BYTES);
      left -= block.length;
      end = writeBlock(block, out, end, left === 0);
    }
  return out.subarray(0, end);
}

function writeHeader(out: Uint8Array, at: number, kind: number, size: number, isLast: boolean): void {
  const head = (isLast ? 1 : 0) | (kind << 1) | (size << 3);
  out[at] = head;
  out[at + 1] = head >> 8;
  out[at + 2] = head >> 16;
}

/** Writes a block in the shortest of its kinds. Returns where it ends. */
function writeBlock(block: Uint8Array, out: Uint8Array, at: number, isLast: boolean): number {
  const content = at + 3;
  if (block.length >= LEAST_CODED && countBytes(block, SAMPLE_STEP) < NOISE_BITS) {
    const bits = countBytes(block, 1);
    if (bits === 0) {
      writeHeader(out, at, BlockKind.repeated, block.length, isLast);
      out[content] = block[0];
      return content + 1;
    }
    const end = bits < NOISE_BITS ? writeLiterals(block, counts, out, content) : -1;
    if (end >= 0) {
      out[end] = 0; // no sequences
      writeHeader(out, at, BlockKind.coded, end + 1 - content, isLast);
      return end + 1;
    }
  }
  out.set(block, content);
  writeHeader(out, at, BlockKind.plain, block.length, isLast);
  return content + block.length;
}

/** Fills `counts` from every `step`-th byte. Returns the bits a byte that they need on their own (Shannon's entropy). */
function countBytes(block: Uint8Array, step: number): number {
  counts.fill(0);
  for (let i = 0; i < block.length; i += step) counts[block[i]]++;
  const total = Math.ceil(block.length / step);
  let bits = 0;
  for (const count of counts) if (count > 0) bits -= count * Math.log2(count / total);
  return bits / total;
}
