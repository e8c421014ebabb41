// Makes shard files of packets: a full packet is a record batch at once; smaller ones, the ends of runs, are gathered
// and shuffled first. The footer lists a shard's batches in random order. Packets must come in the order of runs; then
// the bytes do not depend on who made them when.

import { join } from 'node:path';
import { TRAINED_KINDS, type TrainedKind } from '../nowcaster/spec.js';
import { Random } from '../random.js';
import { type SampleColumns, type ShardInfo, ShardWriter, SPLITS, type Split } from '../samples/index.js';
import type { Packet, PacketColumns, PacketShape } from './packets.js';

/** Number of shards of each kind and split. */
export type ShardCounts = Record<Split, Record<TrainedKind, number>>;

interface OpenShard {
  kind: TrainedKind;
  split: Split;
  file: string;
  writer: ShardWriter;
  /** Rows gathered from small packets; room for as many as a full packet has. */
  rows: number;
  gathered: SampleColumns;
  random: Random;
}

/** Writes all shards of a dataset. Errors of the file system come out as they are. */
export class ShardAssembler {
  readonly #dir: string;
  readonly #shape: PacketShape;
  readonly #runIds: readonly string[];
  readonly #seed: number;
  readonly #shards = new Map<string, OpenShard>();
  /** Where gathered rows are put in order before they are written; shared by all shards. */
  readonly #ordered: SampleColumns;
  /** The `run` column of a full packet, all rows of run `#run`. */
  readonly #runs: Int32Array;
  #run = -1;

  constructor(dir: string, shape: PacketShape, runIds: readonly string[], seed: number) {
    this.#dir = dir;
    this.#shape = shape;
    this.#runIds = runIds;
    this.#seed = seed;
    this.#ordered = this.#allocate();
    this.#runs = new Int32Array(shape.rows);
  }

  /** Takes a packet of the run at position `run`; its slot is free again when the call returns. */
  take(packet: Packet, split: Split, run: number): void {
    const shard = this.#shardOf(packet.kind, split, packet.shard);
    if (packet.rows < this.#shape.rows) {
      this.#gather(shard, packet, run);
      return;
    }
    if (run !== this.#run) {
      this.#runs.fill(run);
      this.#run = run;
    }
    shard.writer.write({ ...packet, runs: this.#runs }, packet.rows);
  }

  /** Ends all files. A shard that got no sample has none. */
  finish(): Record<Split, Record<TrainedKind, ShardInfo[]>> {
    const infos: Record<Split, Record<TrainedKind, ShardInfo[]>> = {
      train: { conv: [], fc: [], bias: [] },
      val: { conv: [], fc: [], bias: [] },
    };
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
        gathered: this.#allocate(),
        random: new Random(this.#seed, 'order', file),
      };
      this.#shards.set(file, open);
    }
    return open;
  }

  #allocate(): SampleColumns {
    const { inputLength, horizons, rows } = this.#shape;
    return {
      windows: new Float32Array(rows * inputLength),
      targets: new Float32Array(rows * horizons),
      scales: new Float32Array(rows),
      runs: new Int32Array(rows),
    };
  }

  #gather(shard: OpenShard, packet: PacketColumns & { rows: number }, run: number): void {
    const { inputLength, horizons } = this.#shape;
    const { windows, targets, scales, runs } = shard.gathered;
    for (let taken = 0; taken < packet.rows; ) {
      const count = Math.min(packet.rows - taken, this.#shape.rows - shard.rows);
      const to = shard.rows;
      const end = taken + count;
      windows.set(packet.windows.subarray(taken * inputLength, end * inputLength), to * inputLength);
      targets.set(packet.targets.subarray(taken * horizons, end * horizons), to * horizons);
      scales.set(packet.scales.subarray(taken, end), to);
      runs.fill(run, to, to + count);
      shard.rows += count;
      taken = end;
      if (shard.rows === this.#shape.rows) this.#writeGathered(shard);
    }
  }

  #writeGathered(shard: OpenShard): void {
    const { inputLength, horizons } = this.#shape;
    const { windows, targets, scales, runs } = shard.gathered;
    const ordered = this.#ordered;
    const order = shard.random.permutation(shard.rows);
    for (let to = 0; to < shard.rows; to++) {
      const from = order[to];
      for (let i = 0; i < inputLength; i++) ordered.windows[to * inputLength + i] = windows[from * inputLength + i];
      for (let h = 0; h < horizons; h++) ordered.targets[to * horizons + h] = targets[from * horizons + h];
      ordered.scales[to] = scales[from];
      ordered.runs[to] = runs[from];
    }
    shard.writer.write(ordered, shard.rows);
    shard.rows = 0;
  }
}
