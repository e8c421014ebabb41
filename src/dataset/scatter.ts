// Distributes the samples of one run over the shards: each sample goes to a random shard, so that every shard is a random
// sample of the dataset. assembler.ts shuffles the packets and writes the files.

import type { TrainedKind } from '../nowcaster/spec.js';
import type { Random } from '../random.js';
import { furtherWidth, type Packet, type PacketShape, type Slot, type SlotPool, sampleWidth } from './packets.js';
import type { SampleSink } from './windows.js';

/**
 * Fills the packets of one run for the shards of one kind.
 *
 * @param shards number of shards of the kind in the run's split.
 * @param random draws the shard of each sample.
 * @param sink receives packets and must release their slots.
 * @returns `take`, which copies the first `count` samples of the given columns, and `flush`, which sends the rest.
 */
export function scatterSamples(
  kind: TrainedKind,
  shape: PacketShape,
  shards: number,
  random: Random,
  pool: SlotPool,
  sink: (packet: Packet) => void,
): { take: SampleSink; flush(): void } {
  const { inputLength: length, horizons } = shape;
  const furtherLength = furtherWidth(shape.inputs);
  const width = sampleWidth(shape);
  const perShard = shards / 4294967296;
  const fillings: ({ rows: number; slot: Slot } | undefined)[] = new Array(shards).fill(undefined);

  function send(shard: number): void {
    const filling = fillings[shard];
    if (filling === undefined) return;
    fillings[shard] = undefined;
    sink({ kind, shard, rows: filling.rows, ...filling.slot });
  }

  return {
    take({ windows, further, targets, scales }, count) {
      for (let j = 0; j < count; j++) {
        const shard = shards === 1 ? 0 : Math.floor(random.uint32() * perShard);
        let filling = fillings[shard];
        if (filling === undefined) {
          filling = { rows: 0, slot: pool.acquire() };
          fillings[shard] = filling;
        }
        const { samples } = filling.slot;
        let to = filling.rows * width;
        for (let from = j * length; from < (j + 1) * length; from++) samples[to++] = windows[from];
        for (let from = j * furtherLength; from < (j + 1) * furtherLength; from++) samples[to++] = further[from];
        for (let from = j * horizons; from < (j + 1) * horizons; from++) samples[to++] = targets[from];
        samples[to] = scales[j];
        if (++filling.rows === shape.rows) send(shard);
      }
    },
    flush() {
      for (const shard of fillings.keys()) send(shard);
    },
  };
}
