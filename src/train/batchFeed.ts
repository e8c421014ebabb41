// An unlimited sequence of batches: each epoch contains every sample once, in an order determined by seed, kind and epoch, so
// training can resume at any step. Samples that do not fit in memory together are shuffled in groups of shards.

import { Random } from '../random.js';
import { createBlock, readShardsInto, type SampleBlock, type SampleShards } from './sampleShards.js';

/** What decides the batches. */
export interface BatchFeedSettings {
  /** Samples per batch; the last batch of an epoch contains the remaining ones. */
  batchSize: number;
  /** Maximum number of samples in memory. If all samples fit, they are shuffled together. */
  shuffledTogether: number;
  seed: number;
  /** Keeps the orders of the kinds apart. */
  name: string;
}

/** Reads shards and returns shuffled batches. */
export class BatchFeed {
  readonly stepsPerEpoch: number;
  readonly #shards: SampleShards;
  readonly #settings: BatchFeedSettings;
  /** Two alternating blocks: one is filled while the other is computed on. */
  readonly #batches: [SampleBlock, SampleBlock];
  #turn = 0;
  #step = 0;
  #group: SampleBlock;
  #groups: number[][] = [];
  #order: Uint32Array = new Uint32Array(0);
  /** Epoch and group that are in memory and in order; -1: none. */
  #epoch = -1;
  #groupIndex = -1;
  /** Samples of the group that were returned. */
  #used = 0;
  readonly #resident: boolean;

  constructor(shards: SampleShards, settings: BatchFeedSettings) {
    this.#shards = shards;
    this.#settings = settings;
    this.stepsPerEpoch = Math.ceil(shards.total / settings.batchSize);
    this.#resident = settings.shuffledTogether >= shards.total;
    this.#group = createBlock(shards, Math.min(shards.total, Math.max(settings.shuffledTogether, ...shards.rows)));
    const batch = () => createBlock(shards, Math.min(settings.batchSize, shards.total));
    this.#batches = [batch(), batch()];
  }

  /** Goes to a step, counted from the start of training; the next batch is that step's. */
  seek(step: number): void {
    this.#step = step;
    this.#epoch = -1;
  }

  /**
   * The batch of the next step. It stays as it is until the call after the next.
   *
   * @throws whatever reading a shard throws.
   */
  async next(): Promise<SampleBlock> {
    const { batchSize } = this.#settings;
    const epoch = Math.floor(this.#step / this.stepsPerEpoch);
    const first = (this.#step % this.stepsPerEpoch) * batchSize;
    if (epoch !== this.#epoch) await this.#openEpoch(epoch, first);
    const batch = this.#batches[this.#turn];
    this.#turn = 1 - this.#turn;
    const count = Math.min(batchSize, this.#shards.total - first);
    for (batch.count = 0; batch.count < count; ) {
      if (this.#used === this.#group.count) await this.#openGroup(this.#groupIndex + 1);
      const taken = Math.min(count - batch.count, this.#group.count - this.#used);
      this.#gather(batch, taken);
    }
    this.#step++;
    return batch;
  }

  async #openEpoch(epoch: number, skip: number): Promise<void> {
    const resident = this.#resident && this.#groupIndex === 0;
    this.#epoch = epoch;
    this.#groups = this.#resident ? [[...this.#shards.rows.keys()]] : this.#divideShards(epoch);
    let index = 0;
    let before = 0;
    for (; index < this.#groups.length; index++) {
      const rows = this.#groups[index].reduce((sum, shard) => sum + this.#shards.rows[shard], 0);
      if (before + rows > skip) break;
      before += rows;
    }
    await this.#openGroup(index, resident);
    this.#used = skip - before;
  }

  /** Shards in the epoch's order, divided into groups that fit in memory. */
  #divideShards(epoch: number): number[][] {
    const { seed, name, shuffledTogether } = this.#settings;
    const groups: number[][] = [];
    let room = 0;
    for (const shard of new Random(seed, 'shards', name, epoch).permutation(this.#shards.rows.length)) {
      const rows = this.#shards.rows[shard];
      if (groups.length === 0 || rows > room) {
        groups.push([]);
        room = Math.max(shuffledTogether, rows);
      }
      groups[groups.length - 1].push(shard);
      room -= rows;
    }
    return groups;
  }

  async #openGroup(index: number, loaded = false): Promise<void> {
    const { seed, name } = this.#settings;
    if (!loaded) await readShardsInto(this.#shards, this.#groups[index], this.#group);
    this.#groupIndex = index;
    this.#order = new Random(seed, 'order', name, this.#epoch, index).permutation(this.#group.count);
    this.#used = 0;
  }

  #gather(batch: SampleBlock, count: number): void {
    const { inputWidth, horizons } = this.#shards;
    const order = this.#order.subarray(this.#used, this.#used + count);
    copyRows(this.#group.inputs, inputWidth, order, batch.inputs, batch.count * inputWidth);
    copyRows(this.#group.targets, horizons, order, batch.targets, batch.count * horizons);
    batch.count += count;
    this.#used += count;
  }
}

/** Copies the rows that `order` names, `width` numbers each, one after another to `into` from index `to` on. */
function copyRows(from: Float32Array, width: number, order: Uint32Array, into: Float32Array, to: number): void {
  let next = to;
  for (let j = 0; j < order.length; j++) {
    let at = order[j] * width;
    for (const end = at + width; at < end; at++) into[next++] = from[at];
  }
}
