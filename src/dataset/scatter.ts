// Scatters the samples of one run over the shards: each sample goes to a shard drawn at random, so that every shard is
// like the whole. Full buffers leave as packets; what makes files of them is assembler.ts.

import type { TrainedKind } from '../nowcaster/spec.js';
import type { Random } from '../random.js';

/** Some samples of one run for one shard, in the order in which they were cut. */
export interface Packet {
  kind: TrainedKind;
  /** Number of the shard within its kind and split. */
  shard: number;
  rows: number;
  /** At least `rows` long, like the columns of `Samples`. */
  windows: Float32Array;
  targets: Float32Array;
  scales: Float32Array;
}

/** Receives packets; their arrays are its own from then on. */
export type PacketSink = (packet: Packet) => void;

interface Buffers {
  rows: number;
  windows: Float32Array;
  targets: Float32Array;
  scales: Float32Array;
}

/** The shards of one kind, as one run fills them. */
export class ShardScatter {
  readonly #kind: TrainedKind;
  readonly #inputLength: number;
  readonly #horizons: number;
  readonly #packetRows: number;
  readonly #random: Random;
  readonly #sink: PacketSink;
  readonly #shards: (Buffers | undefined)[];

  /**
   * @param shards how many shards the kind has in the run's split.
   * @param packetRows rows of a full packet; does not change which sample goes where, nor their order in a shard.
   * @param random draws the shard of each sample.
   */
  constructor(
    kind: TrainedKind,
    shape: { inputLength: number; horizons: number },
    shards: number,
    packetRows: number,
    random: Random,
    sink: PacketSink,
  ) {
    this.#kind = kind;
    this.#inputLength = shape.inputLength;
    this.#horizons = shape.horizons;
    this.#packetRows = packetRows;
    this.#random = random;
    this.#sink = sink;
    this.#shards = new Array(shards).fill(undefined);
  }

  /** Takes the first `count` samples of the columns, which it copies. */
  take(windows: Float32Array, targets: Float32Array, scales: Float32Array, count: number): void {
    const length = this.#inputLength;
    const horizons = this.#horizons;
    const shards = this.#shards.length;
    for (let j = 0; j < count; j++) {
      const shard = shards === 1 ? 0 : Math.floor((this.#random.uint32() / 4294967296) * shards);
      let buffers = this.#shards[shard];
      if (buffers === undefined) {
        buffers = this.#allocate();
        this.#shards[shard] = buffers;
      }
      const row = buffers.rows++;
      for (let i = 0, to = row * length, from = j * length; i < length; i++)
        buffers.windows[to + i] = windows[from + i];
      for (let h = 0, to = row * horizons, from = j * horizons; h < horizons; h++)
        buffers.targets[to + h] = targets[from + h];
      buffers.scales[row] = scales[j];
      if (buffers.rows === this.#packetRows) this.#send(shard, buffers);
    }
  }

  /** Sends what is left. */
  flush(): void {
    for (const [shard, buffers] of this.#shards.entries()) if (buffers) this.#send(shard, buffers);
  }

  #allocate(): Buffers {
    const rows = this.#packetRows;
    return {
      rows: 0,
      windows: new Float32Array(rows * this.#inputLength),
      targets: new Float32Array(rows * this.#horizons),
      scales: new Float32Array(rows),
    };
  }

  #send(shard: number, buffers: Buffers): void {
    this.#shards[shard] = undefined;
    this.#sink({ kind: this.#kind, shard, ...buffers });
  }
}
