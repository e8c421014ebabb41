// The held-out samples, and the mean absolute error of the network and of the baselines on them.

import type { NetworkCompute } from '../network/compute.js';
import type { NowcasterSpec } from '../network/spec.js';
import { baselinesOf } from './baselines.js';
import { createBlock, readShardsInto, type SampleBlock, type SampleShards } from './sampleShards.js';

/** Samples per call of the network. */
const CHUNK = 32_768;

/** Mean absolute errors, one per horizon. */
export interface HorizonMeans {
  /** In normalized units. */
  normalized: number[];
  /** In units of the weights: each error times the scale of its window. */
  raw: number[];
}

/** Errors of the baselines. */
export interface BaselineErrors {
  noChange: HorizonMeans;
  linear: HorizonMeans;
}

/** The mean over the horizons. */
export function meanOf(errors: readonly number[]): number {
  return errors.reduce((sum, value) => sum + value, 0) / errors.length;
}

/** Adds up absolute errors. */
function createTally(horizons: number) {
  const normalized = new Float64Array(horizons);
  const raw = new Float64Array(horizons);
  return {
    add(horizon: number, error: number, scale: number): void {
      const size = Math.abs(error);
      normalized[horizon] += size;
      raw[horizon] += size * scale;
    },
    mean: (count: number): HorizonMeans => ({
      normalized: Array.from(normalized, (sum) => sum / count),
      raw: Array.from(raw, (sum) => sum / count),
    }),
  };
}

/** Held-out samples, kept in memory or read for each use. */
export class ValidationSet {
  readonly #shards: SampleShards;
  readonly #resident: boolean;
  #block: SampleBlock | undefined;
  readonly #outputs: Float32Array;

  /** @param resident whether to keep all samples in memory, rather than one shard at a time. */
  constructor(shards: SampleShards, resident: boolean) {
    this.#shards = shards;
    this.#resident = resident;
    this.#outputs = new Float32Array(Math.min(CHUNK, shards.total) * shards.horizons);
  }

  async *#blocks(): AsyncGenerator<SampleBlock> {
    const { rows, total } = this.#shards;
    if (!this.#resident) {
      for (let i = 0; i < rows.length; i++) yield await this.#shards.read(i);
      return;
    }
    this.#block ??= await readShardsInto(this.#shards, rows.keys(), createBlock(this.#shards, total, true));
    yield this.#block;
  }

  /** The network's errors; not finite when an output is not. */
  async measureNetwork(compute: NetworkCompute, parameters: Float32Array): Promise<HorizonMeans> {
    const { inputWidth, horizons, total } = this.#shards;
    const tally = createTally(horizons);
    for await (const { count, inputs, targets, scales } of this.#blocks()) {
      for (let start = 0; start < count; start += CHUNK) {
        const size = Math.min(CHUNK, count - start);
        const outputs = this.#outputs.subarray(0, size * horizons);
        await compute.forward(
          parameters,
          inputs.subarray(start * inputWidth, (start + size) * inputWidth),
          size,
          outputs,
        );
        for (let j = 0; j < size; j++) {
          const target = (start + j) * horizons;
          for (let h = 0; h < horizons; h++)
            tally.add(h, outputs[j * horizons + h] - targets[target + h], scales![start + j]);
        }
      }
    }
    return tally.mean(total);
  }

  /** The baselines' errors. */
  async measureBaselines(spec: NowcasterSpec): Promise<BaselineErrors> {
    const { inputLength, horizons, total } = this.#shards;
    const { noChange, linear } = baselinesOf(spec);
    const noChangeTally = createTally(horizons);
    const linearTally = createTally(horizons);
    for await (const { count, windows, targets, scales } of this.#blocks()) {
      for (let j = 0; j < count; j++) {
        let unchanged = 0;
        for (let i = 0; i < inputLength; i++) unchanged += noChange[i] * windows[j * inputLength + i];
        for (let h = 0; h < horizons; h++) {
          let line = 0;
          for (let i = 0; i < inputLength; i++) line += linear[h][i] * windows[j * inputLength + i];
          const target = targets[j * horizons + h];
          noChangeTally.add(h, unchanged - target, scales![j]);
          linearTally.add(h, line - target, scales![j]);
        }
      }
    }
    return { noChange: noChangeTally.mean(total), linear: linearTally.mean(total) };
  }
}
