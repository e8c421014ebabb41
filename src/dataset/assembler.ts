// Writes packets to shard files. A full packet becomes a record batch; smaller packets, from the ends of runs, are
// buffered until they fill one. Each batch is shuffled, and the footer lists a shard's batches in random order.
// Packets must arrive in the order of runs, so that the bytes do not depend on scheduling.

import { join } from 'node:path';
import { perKind, TRAINED_KINDS, type TrainedKind } from '../nowcaster/spec.js';
import { Random } from '../random.js';
import { type SampleColumns, type ShardInfo, ShardWriter, SPLITS, type Split } from '../samples/index.js';
import { type Packet, type PacketShape, sampleWidth } from './packets.js';

/** Number of shards of each kind and split. */
export type ShardCounts = Record<Split, Record<TrainedKind, number>>;

interface OpenShard {
  kind: TrainedKind;
  split: Split;
  file: string;
  writer: ShardWriter;
  /** Rows buffered from small packets, with the run of each; the capacity is one full packet. */
  rows: number;
  gathered: Float32Array;
  runs: Int32Array;
  random: Random;
}

/** Writes all shards of a dataset. File system errors are not wrapped. */
export class ShardAssembler {
  readonly #dir: string;
  readonly #shape: PacketShape;
  readonly #runIds: readonly string[];
  readonly #seed: number;
  readonly #shards = new Map<string, OpenShard>();
  /** The columns of the current batch. */
  readonly #columns: SampleColumns;
  /** A random order of the rows of full packets. */
  readonly #order: Uint32Array;

  constructor(dir: string, shape: PacketShape, runIds: readonly string[], seed: number) {
    this.#dir = dir;
    this.#shape = shape;
    this.#runIds = runIds;
    this.#seed = seed;
    const { inputLength, inputs, horizons, rows } = shape;
    this.#columns = {
      windows: new Float32Array(rows * inputLength),
      inputs: inputs.map(({ width }) => new Float32Array(rows * width)),
      targets: new Float32Array(rows * horizons),
      scales: new Float32Array(rows),
      runs: new Int32Array(rows),
    };
    this.#order = new Random(seed, 'order', 'packets').permutation(rows);
  }

  /** Adds a packet of the run at position `run`. Its slot can be reused when the call returns. */
  take(packet: Packet, split: Split, run: number): void {
    const shard = this.#shardOf(packet.kind, split, packet.shard);
    if (packet.rows < this.#shape.rows) {
      this.#gather(shard, packet, run);
      return;
    }
    this.#columns.runs.fill(run);
    this.#write(shard.writer, packet.samples, this.#order);
  }

  /** Closes all files. A shard without samples has no file. */
  finish(): Record<Split, Record<TrainedKind, ShardInfo[]>> {
    const infos: Record<Split, Record<TrainedKind, ShardInfo[]>> = { train: perKind(() => []), val: perKind(() => []) };
    for (const shard of this.#shards.values()) {
      if (shard.rows > 0) this.#writeGathered(shard);
      const { kind, split, file, writer, random } = shard;
      const bytes = writer.close(random);
      infos[split][kind].push({ file, rows: writer.rows, bytes, crc32: writer.crc32 });
    }
    for (const split of SPLITS)
      for (const kind of TRAINED_KINDS) infos[split][kind].sort((a, b) => (a.file < b.file ? -1 : 1));
    return infos;
  }

  #shardOf(kind: TrainedKind, split: Split, shard: number): OpenShard {
    const file = `${kind}/${split}-${String(shard).padStart(5, '0')}.arrow`;
    let open = this.#shards.get(file);
    if (open === undefined) {
      open = {
        kind,
        split,
        file,
        writer: new ShardWriter(join(this.#dir, file), this.#shape, this.#runIds),
        rows: 0,
        gathered: new Float32Array(this.#shape.rows * sampleWidth(this.#shape)),
        runs: new Int32Array(this.#shape.rows),
        random: new Random(this.#seed, 'order', file),
      };
      this.#shards.set(file, open);
    }
    return open;
  }

  #gather(shard: OpenShard, { samples, rows }: Packet, run: number): void {
    const width = sampleWidth(this.#shape);
    for (let taken = 0; taken < rows; ) {
      const count = Math.min(rows - taken, this.#shape.rows - shard.rows);
      shard.gathered.set(samples.subarray(taken * width, (taken + count) * width), shard.rows * width);
      shard.runs.fill(run, shard.rows, shard.rows + count);
      shard.rows += count;
      taken += count;
      if (shard.rows === this.#shape.rows) this.#writeGathered(shard);
    }
  }

  #writeGathered(shard: OpenShard): void {
    const order = shard.random.permutation(shard.rows);
    const { runs } = this.#columns;
    for (let row = 0; row < order.length; row++) runs[order[row]] = shard.runs[row];
    this.#write(shard.writer, shard.gathered, order);
    shard.rows = 0;
  }

  /** Writes samples as one record batch, row i as row `order[i]`. The `run` column must be set before. */
  #write(writer: ShardWriter, samples: Float32Array, order: Uint32Array): void {
    const { inputLength, inputs, horizons } = this.#shape;
    const width = sampleWidth(this.#shape);
    const { windows, inputs: columns = [], targets, scales } = this.#columns;
    const count = order.length;
    // Sequential reads, random writes: the samples are no longer in the cache, the columns are.
    for (let row = 0, from = 0; row < count; row++, from += width) {
      const to = order[row];
      for (let i = 0; i < inputLength; i++) windows[to * inputLength + i] = samples[from + i];
      let next = from + inputLength;
      for (let c = 0; c < columns.length; c++) {
        const size = inputs[c].width;
        for (let i = 0; i < size; i++) columns[c][to * size + i] = samples[next++];
      }
      for (let h = 0; h < horizons; h++) targets[to * horizons + h] = samples[next++];
      scales[to] = samples[from + width - 1];
    }
    writer.write(this.#columns, count);
  }
}
