import { expect, test } from 'vitest';
import { openDecompressor } from '../../src/formats/zstd.js';

/** RFC 8878: magic, a single segment of five bytes, and its one block: plain, or one byte repeated. */
const frame = (block: number[]) => Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0x20, 5, ...block);
const PLAIN = frame([0x29, 0, 0, ...Buffer.from('hello')]);

test('decompresses plain and repeated blocks, and nothing', async () => {
  const decompress = await openDecompressor();
  expect(Buffer.from(decompress(PLAIN, 5)).toString()).toBe('hello');
  expect([...decompress(frame([0x2b, 0, 0, 7]), 5)]).toEqual([7, 7, 7, 7, 7]);
  expect(decompress(new Uint8Array(0), 0)).toHaveLength(0);
});

test('refuses other sizes and damage, and works on', async () => {
  const decompress = await openDecompressor();
  for (const [bytes, size] of [
    [PLAIN, 4],
    [PLAIN, 6],
    [PLAIN.subarray(0, 9), 5],
    [PLAIN.map((byte, i) => (i === 6 ? 0x2f : byte)), 5],
    [Uint8Array.from(Buffer.from('hello')), 5],
  ] as const)
    expect(() => decompress(bytes, size), `${Buffer.from(bytes).toString('hex')} as ${size}`).toThrow();
  expect(Buffer.from(decompress(PLAIN, 5)).toString()).toBe('hello');
});
