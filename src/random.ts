// Seeded random numbers. The toolkit uses no other source, so one seed makes all output reproducible. Streams are
// identified by name rather than by order: `new Random(seed, 'run', 7)` is the same wherever it is created.

/** Hashes the parts of a stream's name to 128 bits (four rounds of murmur3's 32-bit finalizer over UTF-16 units). */
function hashParts(parts: readonly (number | string)[]): Uint32Array {
  const text = parts.map((part) => `${typeof part}:${part}`).join('\u0000');
  const state = Uint32Array.of(0x9e3779b9, 0x243f6a88, 0xb7e15162, 0x6a09e667);
  for (let lane = 0; lane < 4; lane++) {
    let h = state[lane];
    for (let i = 0; i < text.length; i++) {
      h = Math.imul(h ^ text.charCodeAt(i), 0x85ebca6b);
      h ^= h >>> 13;
      h = Math.imul(h, 0xc2b2ae35);
      h ^= h >>> 16;
    }
    state[lane] = h;
  }
  return state;
}

/**
 * A stream of random numbers: xoshiro128** (Blackman and Vigna, 2018), identified by a seed and a path.
 * The same name gives the same numbers on every machine.
 */
export class Random {
  readonly #state: Uint32Array;
  #spareNormal: number | undefined;

  /**
   * @param seed the user's seed; any finite number or string.
   * @param path purpose of the stream, e.g. `'run', 3`; streams with different paths are independent.
   */
  constructor(seed: number | string, ...path: (number | string)[]) {
    this.#state = hashParts([seed, ...path]);
    if (this.#state.every((word) => word === 0)) this.#state[0] = 1;
    for (let i = 0; i < 16; i++) this.uint32();
  }

  /** A whole number in [0, 2^32). */
  uint32(): number {
    const s = this.#state;
    const x = Math.imul(s[1], 5);
    const result = Math.imul((x << 7) | (x >>> 25), 9) >>> 0;
    const t = s[1] << 9;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = (s[3] << 11) | (s[3] >>> 21);
    return result;
  }

  /** A real number in [0, 1) with 53 random bits. */
  uniform(): number {
    return ((this.uint32() >>> 5) * 67108864 + (this.uint32() >>> 6)) / 9007199254740992;
  }

  /** A real number in [low, high), uniform in its logarithm. Both ends must be positive. */
  logUniform(low: number, high: number): number {
    return Math.exp(Math.log(low) + this.uniform() * (Math.log(high) - Math.log(low)));
  }

  /** A whole number in [0, n), without bias. */
  below(n: number): number {
    const limit = 4294967296 - (4294967296 % n);
    let draw = this.uint32();
    while (draw >= limit) draw = this.uint32();
    return draw % n;
  }

  /** A draw from the standard normal distribution (polar method). */
  normal(): number {
    if (this.#spareNormal !== undefined) {
      const spare = this.#spareNormal;
      this.#spareNormal = undefined;
      return spare;
    }
    for (;;) {
      const u = 2 * this.uniform() - 1;
      const v = 2 * this.uniform() - 1;
      const s = u * u + v * v;
      if (s > 0 && s < 1) {
        const factor = Math.sqrt((-2 * Math.log(s)) / s);
        this.#spareNormal = v * factor;
        return u * factor;
      }
    }
  }

  /** One of the items, all equally likely. */
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)];
  }

  /** Shuffles an array in place (Fisher and Yates) and returns it. */
  shuffle<T extends { length: number; [index: number]: unknown }>(items: T): T {
    const array = items as { length: number; [index: number]: unknown };
    for (let i = array.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      const held = array[i];
      array[i] = array[j];
      array[j] = held;
    }
    return items;
  }

  /** The numbers 0 to n - 1 in random order. */
  permutation(n: number): Uint32Array {
    const order = new Uint32Array(n);
    for (let i = 0; i < n; i++) order[i] = i;
    return this.shuffle(order);
  }

  /** `count` different numbers of [0, n), ascending (Floyd's algorithm); all of them when `count >= n`. */
  sample(n: number, count: number): Uint32Array {
    if (count >= n) return Uint32Array.from({ length: n }, (_, i) => i);
    const chosen = new Set<number>();
    for (let i = n - count; i < n; i++) {
      const draw = this.below(i + 1);
      chosen.add(chosen.has(draw) ? i : draw);
    }
    return Uint32Array.from(chosen).sort();
  }
}
