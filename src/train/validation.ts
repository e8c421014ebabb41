// The held-out samples, and the mean absolute error of the network and of the baselines on them.

import type { WnnCompute } from '../nowcaster/compute.js';
import type { WnnSpec } from '../nowcaster/spec.js';
import { baselinesOf } from './baselines.js';
import { createBlock, readShardsInto, type SampleBlock, type SampleShards } from './sampleShards.js';

/** Samples a call of the network. */
const CHUNK = 32_768;

/** Mean absolute errors of the baselines, one a horizon. */
export interface BaselineErrors {
  noChange: number[];
  linear: number[];
}

/** Held-out samples, in memory or read again for each use. */
export class ValidationSet {
  readonly #shards: SampleShards;
  readonly #resident: boolean;
  #block: SampleBlock | undefined;
  readonly #answers: Float32Array;

  /** @param resident whether to keep all samples in memory, rather than one shard at a time. */
  constructor(shards: SampleShards, resident: boolean) {
    this.#shards = shards;
    this.#resident = resident;
    this.#answers = new Float32Array(Math.min(CHUNK, shards.total) * shards.horizons);
  }

  async *#blocks(): AsyncGenerator<SampleBlock> {
    const { rows, total } = this.#shards;
    if (!this.#resident) {
      for (let i = 0; i < rows.length; i++) yield await this.#shards.read(i);
      return;
    }
    this.#block ??= await readShardsInto(this.#shards, rows.keys(), createBlock(this.#shards, total));
    yield this.#block;
  }

  /** The network's mean absolute error, one a horizon; not finite when an answer is not. */
  async measureNetwork(compute: WnnCompute, parameters: Float32Array): Promise<number[]> {
    const { inputLength, horizons, total } = this.#shards;
    const sums = new Float64Array(horizons);
    for await (const { count, windows, targets } of this.#blocks()) {
      for (let start = 0; start < count; start += CHUNK) {
        const size = Math.min(CHUNK, count - start);
        const answers = this.#answers.subarray(0, size * horizons);
        await compute.forward(
          parameters,
          windows.subarray(start * inputLength, (start + size) * inputLength),
          size,
          answers,
        );
        const offset = start * horizons;
        for (let j = 0; j < size * horizons; j += horizons)
          for (let h = 0; h < horizons; h++) sums[h] += Math.abs(answers[j + h] - targets[offset + j + h]);
      }
    }
    return Array.from(sums, (sum) => sum / total);
  }

  /** The baselines' mean absolute errors. */
  async measureBaselines(spec: WnnSpec): Promise<BaselineErrors> {
    const { inputLength, horizons, total } = this.#shards;
    const { noChange, linear } = baselinesOf(spec);
    const noChangeSums = new Float64Array(horizons);
    const linearSums = new Float64Array(horizons);
    for await (const { count, windows, targets } of this.#blocks()) {
      for (let j = 0; j < count; j++) {
        let unchanged = 0;
        for (let i = 0; i < inputLength; i++) unchanged += noChange[i] * windows[j * inputLength + i];
        for (let h = 0; h < horizons; h++) {
          let line = 0;
          for (let i = 0; i < inputLength; i++) line += linear[h][i] * windows[j * inputLength + i];
          const target = targets[j * horizons + h];
          noChangeSums[h] += Math.abs(unchanged - target);
          linearSums[h] += Math.abs(line - target);
        }
      }
    }
    const mean = (sums: Float64Array) => Array.from(sums, (sum) => sum / total);
    return { noChange: mean(noChangeSums), linear: mean(linearSums) };
  }
}
