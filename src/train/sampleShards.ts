// The shards of one kind and split, converted for the trainer: the network's inputs, and targets in the form of its outputs.

import { join } from 'node:path';
import type { InputColumns } from '../network/network.js';
import type { NowcasterSpec } from '../network/spec.js';
import { inputsOf, networkOf, type TrainedKind } from '../nowcaster/spec.js';
import {
  checkShardSize,
  type DatasetManifest,
  readShard,
  type Samples,
  type ShardInfo,
  type Split,
  summaryOf,
} from '../samples/index.js';
import { isWindowOnly } from '../windows/inputs/index.js';

/** Samples in memory. */
export interface SampleBlock {
  count: number;
  /** [count, input width] row-major: the network's inputs, concatenated. */
  inputs: Float32Array;
  /** [count, L] row-major: the normalized windows; the same array if they are the only input. */
  windows: Float32Array;
  /** [count, horizons] row-major: the targets of the outputs. */
  targets: Float32Array;
  /** [count]: factor from an error in normalized units to one of the weight. Absent if not needed. */
  scales?: Float32Array;
}

/** Shards that can be read one at a time. */
export interface SampleShards {
  inputLength: number;
  /** Values of a row of inputs. */
  inputWidth: number;
  /** Whether the inputs are the windows themselves. */
  windowOnly: boolean;
  horizons: number;
  /** Samples of each shard, each at least 1. */
  rows: number[];
  /** Samples of all shards. */
  total: number;
  /** Bytes of the largest file; 0 without shards. */
  largestFile: number;
  /** Reads and checks one shard. The block may be changed by the caller. */
  read(index: number): Promise<SampleBlock>;
}

/** Without a residual the network outputs the future itself, relative to the window's first value: target + x[L-1]. */
function addLastValue({ count, windows, targets }: SampleBlock, inputLength: number, horizons: number): void {
  for (let j = 0; j < count; j++) {
    const last = windows[j * inputLength + inputLength - 1];
    for (let h = 0; h < horizons; h++) targets[j * horizons + h] += last;
  }
}

/** Clips targets to +-`most`. */
function clipTargets({ targets }: SampleBlock, most: number): void {
  for (let i = 0; i < targets.length; i++) targets[i] = Math.max(-most, Math.min(most, targets[i]));
}

/**
 * The shards of a kind and split; nothing is read yet, but all files exist and have their recorded size.
 *
 * @param clip maximum absolute target. Default: not clipped.
 * @throws MissingFileError, CorruptFileError
 */
export function openShards(
  dir: string,
  manifest: DatasetManifest,
  kind: TrainedKind,
  split: Split,
  spec: NowcasterSpec,
  clip?: number,
): SampleShards {
  const { inputLength } = spec;
  const { inputs: columns, inputWidth } = networkOf(spec);
  const windowOnly = isWindowOnly(inputsOf(spec.family));
  const horizons = spec.horizons.length;
  const shards: ShardInfo[] = summaryOf(manifest, kind, dir).splits[split].shards.filter(({ rows }) => rows > 0);
  for (const { file, bytes } of shards) checkShardSize(join(dir, file), bytes);
  const rows = shards.map((shard) => shard.rows);
  return {
    inputLength,
    inputWidth,
    windowOnly,
    horizons,
    rows,
    total: rows.reduce((sum, count) => sum + count, 0),
    largestFile: Math.max(0, ...shards.map(({ bytes }) => bytes)),
    async read(index) {
      const { file, ...size } = shards[index];
      const samples = await readShard(join(dir, file), { inputLength, horizons, inputs: columns, ...size });
      const block = { ...samples, inputs: windowOnly ? samples.windows : joinInputs(samples, columns, inputWidth) };
      if (!spec.residual) addLastValue(block, inputLength, horizons);
      if (clip !== undefined) clipTargets(block, clip);
      return block;
    },
  };
}

/**
 * Reads shards, in the order given, into one block.
 *
 * @param into block to fill from its start; its capacity must suffice.
 * @returns the block that was filled, with its `count` set.
 */
export async function readShardsInto(
  shards: SampleShards,
  indices: Iterable<number>,
  into: SampleBlock,
): Promise<SampleBlock> {
  into.count = 0;
  for (const index of indices) {
    const block = await shards.read(index);
    into.inputs.set(block.inputs, into.count * shards.inputWidth);
    if (!shards.windowOnly && into.scales) into.windows.set(block.windows, into.count * shards.inputLength);
    into.targets.set(block.targets, into.count * shards.horizons);
    if (block.scales) into.scales?.set(block.scales, into.count);
    into.count += block.count;
  }
  return into;
}

/** An empty block for `capacity` samples; with `scaled` also for their windows and scales. */
export function createBlock(
  { inputLength, inputWidth, horizons, windowOnly }: SampleShards,
  capacity: number,
  scaled = false,
): SampleBlock {
  const inputs = new Float32Array(capacity * inputWidth);
  return {
    scales: scaled ? new Float32Array(capacity) : undefined,
    count: 0,
    inputs,
    windows: windowOnly ? inputs : new Float32Array(scaled ? capacity * inputLength : 0),
    targets: new Float32Array(capacity * horizons),
  };
}

/** Puts the columns of the inputs side by side: [count, width] row-major. */
function joinInputs(
  { count, windows, inputs: further }: Samples,
  inputs: readonly InputColumns[],
  width: number,
): Float32Array {
  const rows = new Float32Array(count * width);
  let offset = 0;
  for (const { name, width: size } of inputs) {
    const values = name === 'window' ? windows : further[name];
    for (let j = 0; j < count; j++) for (let i = 0; i < size; i++) rows[j * width + offset + i] = values[j * size + i];
    offset += size;
  }
  return rows;
}
