// The Huffman-coded literals of a ZSTD block: lengths of codes, their description, and the four streams. The format is
// RFC 8878, section 4.2; this is no general coder.

import { encodeWeights } from './fseWeights.js';

/** ZSTD's limit on the length of a code. */
const MOST_BITS = 11;
const HEADER_BYTES = 5;
const JUMP_BYTES = 6;

/** Scratch tables, filled anew by each call. */
const codes = new Int32Array(256);

/**
 * Lengths of an optimal prefix code no longer than 11 bits, by package-merge: exactly as many codes as fill the tree,
 * which ZSTD asks for.
 *
 * @param counts how often each byte occurs; at least two do.
 * @returns bits of each byte's code; 0 for those that do not occur.
 */
export function codeLengths(counts: Uint32Array): Uint8Array {
  const symbols = Array.from(counts.keys())
    .filter((symbol) => counts[symbol] > 0)
    .sort((a, b) => counts[a] - counts[b] || a - b);
  const size = symbols.length;
  // Of each level: which of its items, in ascending order of weight, are single symbols.
  const levels: boolean[][] = [];
  let packages: number[] = [];
  for (let level = 0; level < MOST_BITS; level++) {
    const weights: number[] = [];
    const isSymbol: boolean[] = [];
    for (let s = 0, p = 0; s < size || p < packages.length; ) {
      const single = p >= packages.length || (s < size && counts[symbols[s]] <= packages[p]);
      weights.push(single ? counts[symbols[s++]] : packages[p++]);
      isSymbol.push(single);
    }
    levels.push(isSymbol);
    packages = [];
    for (let i = 0; i + 1 < weights.length; i += 2) packages.push(weights[i] + weights[i + 1]);
  }
  const lengths = new Uint8Array(256);
  let taken = 2 * size - 2;
  for (let level = MOST_BITS - 1; level >= 0 && taken > 0; level--) {
    let singles = 0;
    for (let i = 0; i < taken; i++) if (levels[level][i]) singles++;
    for (let i = 0; i < singles; i++) lengths[symbols[i]]++;
    taken = 2 * (taken - singles);
  }
  return lengths;
}

/**
 * Writes a section of Huffman-coded literals, header included.
 *
 * @param bytes at least 64, at most 2 ** 17.
 * @param counts how often each byte occurs in them; at least two do.
 * @param out room for as many bytes as there are literals, from `start` on.
 * @returns where the section ends; -1 when it would save less than a 64th, and then what is in `out` is void.
 */
export function writeLiterals(bytes: Uint8Array, counts: Uint32Array, out: Uint8Array, start: number): number {
  const lengths = codeLengths(counts);
  let bits = 0;
  for (let symbol = 0; symbol < 256; symbol++) bits += counts[symbol] * lengths[symbol];
  const worth = bytes.length - (bytes.length >> 6);
  if (bits / 8 + HEADER_BYTES + JUMP_BYTES + 130 >= worth) return -1;
  const most = Math.max(...lengths);
  const last = lengths.findLastIndex((length) => length > 0);
  const weights = lengths.subarray(0, last).map((length) => (length === 0 ? 0 : most + 1 - length));
  const description = encodeWeights(weights);
  if (description === undefined) return -1;
  assignCodes(lengths, most);

  const body = start + HEADER_BYTES;
  out.set(description, body);
  const jumps = body + description.length;
  const quarter = Math.ceil(bytes.length / 4);
  let end = jumps + JUMP_BYTES;
  for (let stream = 0; stream < 4; stream++) {
    const begin = end;
    end = writeStream(bytes, stream * quarter, Math.min(bytes.length, (stream + 1) * quarter), out, begin);
    if (stream === 3) break;
    out[jumps + 2 * stream] = end - begin;
    out[jumps + 2 * stream + 1] = (end - begin) >> 8;
  }
  // Kind 2 (with a description), sizes of 18 bits.
  const stored = end - body;
  const head = 2 | (3 << 2) | (bytes.length << 4) | (stored << 22);
  out[start] = head;
  out[start + 1] = head >> 8;
  out[start + 2] = head >> 16;
  out[start + 3] = head >> 24;
  out[start + 4] = stored >> 10;
  return end;
}

/** Codes in ZSTD's order: the longest first, those of one length in the order of their bytes. Each as code and length. */
function assignCodes(lengths: Uint8Array, most: number): void {
  const next = new Uint32Array(most + 2);
  for (let length = most, value = 0; length > 0; length--) {
    next[length] = value;
    value = (value + lengths.reduce((count, own) => count + (own === length ? 1 : 0), 0)) >> 1;
  }
  for (let symbol = 0; symbol < 256; symbol++)
    codes[symbol] = lengths[symbol] === 0 ? 0 : (lengths[symbol] << 16) | next[lengths[symbol]]++;
}

/** Last byte first, since decoders begin at the end. Ends with a bit that marks where that is. */
function writeStream(bytes: Uint8Array, from: number, to: number, out: Uint8Array, start: number): number {
  let offset = start;
  let pending = 0;
  let count = 0;
  for (let i = to - 1; i >= from; i--) {
    const code = codes[bytes[i]];
    pending |= (code & 0xffff) << count;
    count += code >> 16;
    if (count >= 16) {
      out[offset] = pending;
      out[offset + 1] = pending >> 8;
      offset += 2;
      pending >>>= 16;
      count -= 16;
    }
  }
  pending |= 1 << count;
  for (count++; count > 0; count -= 8) {
    out[offset++] = pending;
    pending >>>= 8;
  }
  return offset;
}
