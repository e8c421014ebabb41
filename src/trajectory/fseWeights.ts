// How a ZSTD block describes its Huffman code: the weights of its bytes, coded by tabled asymmetric numeral systems
// (FSE). The format is RFC 8878, sections 4.1 and 4.2.1; this codes such weights and nothing else.

const TABLE_LOG = 6;
const TABLE_SIZE = 1 << TABLE_LOG;
/** Weights are 0 to 11. */
const ALPHABET = 12;

/**
 * The description of a Huffman code, its first byte included.
 *
 * @param weights of all bytes but the last one that occurs, which follows from the others.
 * @returns undefined when there is none of the two kinds that can hold it.
 */
export function encodeWeights(weights: Uint8Array): Uint8Array | undefined {
  const coded = new Set(weights).size > 1 && weights.length > 2 ? compress(weights) : undefined;
  if (coded !== undefined && coded.length < 128) return Uint8Array.of(coded.length, ...coded);
  if (weights.length > 128) return undefined;
  // Four bits each.
  const description = new Uint8Array(1 + Math.ceil(weights.length / 2));
  description[0] = 127 + weights.length;
  weights.forEach((weight, i) => {
    description[1 + (i >> 1)] |= i % 2 === 0 ? weight << 4 : weight;
  });
  return description;
}

/** Collects bits, lowest first. */
class BitWriter {
  readonly bytes: number[] = [];
  #pending = 0;
  #count = 0;

  /** Appends the lowest `count` bits of `value`, 16 at most. */
  add(value: number, count: number): void {
    this.#pending |= (value & ((1 << count) - 1)) << this.#count;
    this.#count += count;
    for (; this.#count >= 8; this.#count -= 8) {
      this.bytes.push(this.#pending & 255);
      this.#pending >>>= 8;
    }
  }

  /** Fills the last byte with zeros. */
  finish(): number[] {
    if (this.#count > 0) this.bytes.push(this.#pending & 255);
    return this.bytes;
  }
}

function compress(weights: Uint8Array): number[] {
  const shares = normalizeCounts(weights);
  const { nextStates, bitsOf, baseOf } = buildTable(shares);
  const writer = new BitWriter();
  // Two states take turns; a decoder reads backwards, so the last weight goes first. Each state starts from its weight.
  const states: [number | undefined, number | undefined] = [undefined, undefined];
  for (let i = weights.length - 1; i >= 0; i--) {
    const weight = weights[i];
    const state = states[i % 2];
    if (state === undefined) {
      const bits = (bitsOf[weight] + (1 << 15)) >> 16;
      const first = (bits << 16) - bitsOf[weight];
      states[i % 2] = nextStates[(first >> bits) + baseOf[weight]];
    } else {
      const bits = (state + bitsOf[weight]) >> 16;
      writer.add(state, bits);
      states[i % 2] = nextStates[(state >> bits) + baseOf[weight]];
    }
  }
  writer.add(states[1] as number, TABLE_LOG);
  writer.add(states[0] as number, TABLE_LOG);
  writer.add(1, 1);
  return [...encodeShares(shares), ...writer.finish()];
}

/** Shares of the weights in a table of 64, at least 1 for each that occurs. */
function normalizeCounts(weights: Uint8Array): number[] {
  const counts = new Array<number>(ALPHABET).fill(0);
  for (const weight of weights) counts[weight]++;
  const shares = counts.map((count) =>
    count === 0 ? 0 : Math.max(1, Math.round((count * TABLE_SIZE) / weights.length)),
  );
  for (let excess = shares.reduce((a, b) => a + b) - TABLE_SIZE; excess !== 0; excess -= Math.sign(excess))
    shares[shares.indexOf(Math.max(...shares))] -= Math.sign(excess);
  return shares;
}

/** The shares, each in as many bits as what is left of the table needs. */
function encodeShares(shares: readonly number[]): number[] {
  const writer = new BitWriter();
  writer.add(TABLE_LOG - 5, 4);
  let remaining = TABLE_SIZE + 1;
  let threshold = TABLE_SIZE;
  let bits = TABLE_LOG + 1;
  for (let weight = 0; weight < ALPHABET && remaining > 1; ) {
    const share = shares[weight++];
    const most = 2 * threshold - 1 - remaining;
    remaining -= share;
    const value = share + 1 >= threshold ? share + 1 + most : share + 1;
    writer.add(value, value < most ? bits - 1 : bits);
    for (; remaining < threshold; threshold >>= 1) bits--;
    if (share > 0) continue;
    // Behind a share of nothing stands how many more of them follow, three at a time.
    let more = 0;
    while (weight < ALPHABET && shares[weight] === 0) {
      weight++;
      more++;
    }
    for (; more >= 3; more -= 3) writer.add(3, 2);
    writer.add(more, 2);
  }
  return writer.finish();
}

/** The coding table, as FSE builds it. `bitsOf` holds a number of bits in its upper half that rounds by the state. */
function buildTable(shares: readonly number[]) {
  const spread = new Uint8Array(TABLE_SIZE);
  const step = (TABLE_SIZE >> 1) + (TABLE_SIZE >> 3) + 3;
  let position = 0;
  shares.forEach((share, weight) => {
    for (let i = 0; i < share; i++) {
      spread[position] = weight;
      position = (position + step) % TABLE_SIZE;
    }
  });
  const starts: number[] = [];
  let total = 0;
  const bitsOf: number[] = [];
  const baseOf: number[] = [];
  for (const share of shares) {
    starts.push(total);
    const bits = share < 2 ? TABLE_LOG : TABLE_LOG - (31 - Math.clz32(share - 1));
    bitsOf.push((bits << 16) - (share < 2 ? TABLE_SIZE : share << bits));
    baseOf.push(total - share);
    total += share;
  }
  const nextStates = new Uint16Array(TABLE_SIZE);
  for (let i = 0; i < TABLE_SIZE; i++) nextStates[starts[spread[i]]++] = TABLE_SIZE + i;
  return { nextStates, bitsOf, baseOf };
}
