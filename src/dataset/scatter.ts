// Scatters the samples of one run over the shards: each sample goes to a shard drawn at random, so that every shard is
// like the whole. What makes files of packets, and shuffles them, is assembler.ts.

import type { TrainedKind } from '../nowcaster/spec.js';
import type { Random } from '../random.js';
import { furtherWidth, type Packet, type PacketShape, type Slot, type SlotPool, sampleWidth } from './packets.js';
import type { CutSamples } from './windows.js';

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

  /**
   * @param shards how many shards the kind has in the run's split.
   * @param random draws the shard of each sample.
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
  }

  /** Takes the first `count` samples of the columns, which it copies. */
  take({ windows, further, targets, scales }: CutSamples, count: number): void {
    const { inputLength: length, horizons, rows } = this.#shape;
    const furtherLength = furtherWidth(this.#shape.inputs);
    const width = sampleWidth(this.#shape);
    const shards = this.#shards;
    const random = this.#random;
    const perShard = shards.length / 4294967296;
    for (let j = 0; j < count; j++) {
      const shard = shards.length === 1 ? 0 : Math.floor(random.uint32() * perShard);
      let filling = shards[shard];
      if (filling === undefined) {
        filling = { rows: 0, slot: this.#pool.acquire() };
        shards[shard] = filling;
      }
      const { samples } = filling.slot;
      let to = filling.rows * width;
      for (let from = j * length; from < (j + 1) * length; from++) samples[to++] = windows[from];
      for (let from = j * furtherLength; from < (j + 1) * furtherLength; from++) samples[to++] = further[from];
      for (let from = j * horizons; from < (j + 1) * horizons; from++) samples[to++] = targets[from];
      samples[to] = scales[j];
      if (++filling.rows === rows) this.#send(shard, filling);
    }
  }

  /** Sends what is left. */
  flush(): void {
    for (const [shard, filling] of this.#shards.entries()) if (filling) this.#send(shard, filling);
  }

  #send(shard: number, { rows, slot }: Filling): void {
    this.#shards[shard] = undefined;
    this.#sink({ kind: this.#kind, shard, rows, ...slot });
  }
}
