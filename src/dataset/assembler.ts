// Makes shard files of packets: gathers those of a shard into record batches, shuffles each batch, and appends it to the
// shard's file; the footer lists a shard's batches in random order. Packets must come in the order of runs; then the
// bytes do not depend on who made them when.

import { join } from 'node:path';
import { TRAINED_KINDS, type TrainedKind } from '../nowcaster/spec.js';
import { Random } from '../random.js';
import { type SampleColumns, type ShardInfo, ShardWriter, SPLITS, type Split } from '../samples/index.js';
import type { Packet } from './scatter.js';

/** Rows of a record batch: as many as this over all shards, so that memory does not grow with the dataset. */
const BUFFERED_ROWS = 2 ** 20;
const LEAST_BATCH_ROWS = 1024;
const MOST_BATCH_ROWS = 32_768;

/** Number of shards of each kind and split. */
export type ShardCounts = Record<Split, Record<TrainedKind, number>>;

/** Rows of a record batch when there are this many shards. */
export function batchRows(shards: ShardCounts): number {
  const total = SPLITS.flatMap((split) => TRAINED_KINDS.map((kind) => shards[split][kind])).reduce((a, b) => a + b, 0);
  return Math.max(LEAST_BATCH_ROWS, Math.min(MOST_BATCH_ROWS, Math.floor(BUFFERED_ROWS / Math.max(1, total))));
}

interface OpenShard {
  file: string;
  writer: ShardWriter;
  /** Rows of the batch being filled. */
  rows: number;
  columns: SampleColumns;
  random: Random;
}

/** Writes all shards of a dataset. Errors of the file system come out as they are. */
export class ShardAssembler {
  readonly #dir: string;
  readonly #shape: { inputLength: number; horizons: number };
  readonly #runIds: readonly string[];
  readonly #seed: number;
  readonly #batchRows: number;
  readonly #shards = new Map<string, OpenShard>();
  /** Where a batch is put in order before it is written; shared by all shards. */
  readonly #ordered: SampleColumns;

  constructor(
    dir: string,
    shape: { inputLength: number; horizons: number },
    runIds: readonly string[],
    seed: number,
    rows: number,
  ) {
    this.#dir = dir;
    this.#shape = shape;
    this.#runIds = runIds;
    this.#seed = seed;
    this.#batchRows = rows;
    this.#ordered = this.#allocate();
  }

  /** Takes a packet of the run at position `run`. */
  take(packet: Packet, split: Split, run: number): void {
    const { inputLength, horizons } = this.#shape;
    const shard = this.#shardOf(packet.kind, split, packet.shard);
    for (let taken = 0; taken < packet.rows; ) {
      const count = Math.min(packet.rows - taken, this.#batchRows - shard.rows);
      const { windows, targets, scales, runs } = shard.columns;
      const to = shard.rows;
      const end = taken + count;
      windows.set(packet.windows.subarray(taken * inputLength, end * inputLength), to * inputLength);
      targets.set(packet.targets.subarray(taken * horizons, end * horizons), to * horizons);
      scales.set(packet.scales.subarray(taken, end), to);
      runs.fill(run, to, to + count);
      shard.rows += count;
      taken = end;
      if (shard.rows === this.#batchRows) this.#writeBatch(shard);
    }
  }

  /** Ends all files. A shard that got no sample has none. */
  finish(): Record<Split, Record<TrainedKind, ShardInfo[]>> {
    const infos: Record<Split, Record<TrainedKind, ShardInfo[]>> = {
      train: { conv: [], fc: [], bias: [] },
      val: { conv: [], fc: [], bias: [] },
    };
    for (const shard of this.#shards.values()) {
      if (shard.rows > 0) this.#writeBatch(shard);
      const bytes = shard.writer.close(shard.random);
      const { file, writer } = shard;
      const [kind, name] = file.split('/');
      infos[name.startsWith('train') ? 'train' : 'val'][kind as TrainedKind].push({
        file,
        rows: writer.rows,
        bytes,
        crc32: writer.crc32,
      });
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
        file,
        writer: new ShardWriter(join(this.#dir, file), this.#shape, this.#runIds),
        rows: 0,
        columns: this.#allocate(),
        random: new Random(this.#seed, 'order', file),
      };
      this.#shards.set(file, open);
    }
    return open;
  }

  #allocate(): SampleColumns {
    const rows = this.#batchRows;
    return {
      windows: new Float32Array(rows * this.#shape.inputLength),
      targets: new Float32Array(rows * this.#shape.horizons),
      scales: new Float32Array(rows),
      runs: new Int32Array(rows),
    };
  }

  #writeBatch(shard: OpenShard): void {
    const { inputLength, horizons } = this.#shape;
    const { windows, targets, scales, runs } = shard.columns;
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
