// Scatters the samples of one run over the shards: each sample goes to a shard drawn at random, so that every shard is
// like the whole, and to a random row of the packet being filled. What makes files of packets is assembler.ts.

import type { TrainedKind } from '../nowcaster/spec.js';
import type { Random } from '../random.js';
import type { Packet, PacketShape, Slot, SlotPool } from './packets.js';

interface Filling {
  rows: number;
  slot: Slot;
}

/** The shards of one kind, as one run fills them. */
export class ShardScatter {
  readonly #kind: TrainedKind;
  readonly #shape: PacketShape;
  readonly #random: Random;
  readonly #pool: SlotPool;
  readonly #sink: (packet: Packet) => void;
  readonly #shards: (Filling | undefined)[];
  /** Rows of a packet in the order in which they are filled. */
  readonly #order: Uint32Array;

  /**
   * @param shards how many shards the kind has in the run's split.
   * @param random draws the shard of each sample, and the order of rows.
   * @param sink receives packets, and with them the duty to give their slots back.
   */
  constructor(
    kind: TrainedKind,
    shape: PacketShape,
    shards: number,
    random: Random,
    pool: SlotPool,
    sink: (packet: Packet) => void,
  ) {
    this.#kind = kind;
    this.#shape = shape;
    this.#random = random;
    this.#pool = pool;
    this.#sink = sink;
    this.#shards = new Array(shards).fill(undefined);
    this.#order = random.permutation(shape.rows);
  }

  /** Takes the first `count` samples of the columns, which it copies. */
  take(windows: Float32Array, targets: Float32Array, scales: Float32Array, count: number): void {
    const { inputLength: length, horizons, rows } = this.#shape;
    const shards = this.#shards;
    const random = this.#random;
    const order = this.#order;
    const perShard = shards.length / 4294967296;
    for (let j = 0; j < count; j++) {
      const shard = shards.length === 1 ? 0 : Math.floor(random.uint32() * perShard);
      let filling = shards[shard];
      if (filling === undefined) {
        filling = { rows: 0, slot: this.#pool.acquire() };
        shards[shard] = filling;
      }
      const row = order[filling.rows++];
      const { slot } = filling;
      for (let i = 0, to = row * length, from = j * length; i < length; i++) slot.windows[to + i] = windows[from + i];
      for (let h = 0, to = row * horizons, from = j * horizons; h < horizons; h++)
        slot.targets[to + h] = targets[from + h];
      slot.scales[row] = scales[j];
      if (filling.rows === rows) this.#send(shard, filling);
    }
  }

  /** Sends what is left, each packet with its rows moved to its front. */
  flush(): void {
    const { inputLength, horizons } = this.#shape;
    for (const [shard, filling] of this.#shards.entries()) {
      if (filling === undefined) continue;
      const { windows, targets, scales } = filling.slot;
      const filled = this.#order.slice(0, filling.rows).sort();
      for (let to = 0; to < filled.length; to++) {
        const from = filled[to];
        windows.copyWithin(to * inputLength, from * inputLength, (from + 1) * inputLength);
        targets.copyWithin(to * horizons, from * horizons, (from + 1) * horizons);
        scales[to] = scales[from];
      }
      this.#send(shard, filling);
    }
  }

  #send(shard: number, { rows, slot }: Filling): void {
    this.#shards[shard] = undefined;
    this.#sink({ kind: this.#kind, shard, rows, ...slot });
  }
}
