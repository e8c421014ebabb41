import { describe, expect, it } from 'vitest';
import { Random } from '../../src/random.js';
import { codeLengths } from '../../src/trajectory/huffmanLiterals.js';
import { openDecompressor } from '../../src/trajectory/zstd.js';
import { compressZstd } from '../../src/trajectory/zstdEncoder.js';

// The decoder is zstd's own, compiled to WebAssembly: nothing of it is shared with the encoder.
const decompress = await openDecompressor();

function expectBack(sections: Uint8Array[]): Uint8Array {
  const stored = compressZstd(sections);
  const raw = Buffer.concat(sections);
  expect(Buffer.compare(Buffer.from(decompress(stored, raw.length)), raw)).toBe(0);
  return stored;
}

/** Bytes whose frequencies fall off the faster, the larger `power`; `spread` of them at most, from `first` on. */
function skewed(random: Random, length: number, power: number, spread: number, first: number): Uint8Array {
  return Uint8Array.from({ length }, () => first + spread * random.uniform() ** power);
}

describe('compressZstd', () => {
  it('gives frames that zstd reads, of sections of all lengths and statistics', () => {
    const random = new Random(1, 'frames');
    for (let i = 0; i < 400; i++) {
      const length = () => Math.floor(2 ** (13 * random.uniform()));
      const section = () => skewed(random, length(), 8 * random.uniform(), 1 + random.below(256), random.below(256));
      expectBack(Array.from({ length: 1 + random.below(4) }, section));
    }
  });

  it('goes over the 128 KiB of a block', () => {
    const random = new Random(2, 'blocks');
    for (const length of [2 ** 17 - 1, 2 ** 17, 2 ** 17 + 1, 3 * 2 ** 17 + 5])
      expectBack([skewed(random, length, 3, 200, 0), skewed(random, 70, 1, 2, 9)]);
  });

  it('takes nothing, one byte, and all bytes alike', () => {
    expectBack([]);
    expectBack([new Uint8Array(0), new Uint8Array(0)]);
    expectBack([Uint8Array.of(7)]);
    expect(expectBack([new Uint8Array(300_000).fill(9)]).length).toBeLessThan(40);
  });

  it('takes codes that reach the limit of 11 bits, and those that two bytes share', () => {
    const fibonacci = [1, 1];
    while (fibonacci.length < 20) fibonacci.push(fibonacci[fibonacci.length - 1] + fibonacci[fibonacci.length - 2]);
    expectBack([Uint8Array.from(fibonacci.flatMap((count, i) => new Array(count).fill(250 - 3 * i)))]);
    expectBack([Uint8Array.from({ length: 5000 }, (_, i) => (i % 3 === 0 ? 255 : 0))]);
    expectBack([Uint8Array.from({ length: 5000 }, (_, i) => (i === 4000 ? 1 : 0))]);
  });

  it('comes near the entropy for the upper bytes of weights', () => {
    const random = new Random(3, 'weights');
    const floats = Float32Array.from({ length: 100_000 }, () => 0.05 * random.normal());
    const upper = new Uint8Array(floats.buffer).filter((_, i) => i % 4 === 3);
    const counts = new Uint32Array(256);
    for (const byte of upper) counts[byte]++;
    const bits = counts.reduce((sum, n) => sum - (n === 0 ? 0 : n * Math.log2(n / upper.length)), 0);
    const stored = expectBack([upper]);
    expect((8 * stored.length) / bits).toBeLessThan(1.03);
    expect((8 * stored.length) / bits).toBeGreaterThan(1);
  });

  it('stores noise at hardly more than its size', () => {
    const random = new Random(4, 'noise');
    expect(expectBack([skewed(random, 200_000, 1, 256, 0)]).length).toBeLessThan(200_020);
  });
});

describe('codeLengths', () => {
  it('fills the tree, within 11 bits, and wastes less than a bit a byte', () => {
    const random = new Random(5, 'codes');
    for (let i = 0; i < 200; i++) {
      const counts = new Uint32Array(256);
      for (let k = 2 + random.below(200); k > 0; k--)
        counts[random.below(256)] = 1 + Math.floor(2 ** (16 * random.uniform()));
      const used = [...counts.keys()].filter((symbol) => counts[symbol] > 0);
      if (used.length < 2) continue;
      const lengths = codeLengths(counts);
      expect(used.reduce((sum, symbol) => sum + 2 ** -lengths[symbol], 0)).toBe(1);
      expect(Math.max(...lengths)).toBeLessThanOrEqual(11);
      const cost = used.reduce((sum, symbol) => sum + counts[symbol] * lengths[symbol], 0);
      const total = used.reduce((sum, symbol) => sum + counts[symbol], 0);
      const entropy = used.reduce((sum, symbol) => sum - counts[symbol] * Math.log2(counts[symbol] / total), 0);
      expect(cost).toBeGreaterThanOrEqual(entropy - 1e-6);
      expect(cost).toBeLessThanOrEqual(entropy + total);
    }
  });
});
