// The shards of one kind and split as the trainer sees them: windows, and targets as the network is to answer them.

import { join } from 'node:path';
import type { TrainedKind, WnnSpec } from '../nowcaster/spec.js';
import { type DatasetManifest, readShard, type ShardInfo, type Split } from '../samples/index.js';

/** Samples in memory. */
export interface SampleBlock {
  count: number;
  /** [count, L] row-major. */
  windows: Float32Array;
  /** [count, horizons] row-major: what the network should answer. */
  targets: Float32Array;
  /** [count]: what an error is multiplied by to be one of the weight itself. Absent where nobody needs it. */
  scales?: Float32Array;
}

/** Shards that can be read one at a time. */
export interface SampleShards {
  inputLength: number;
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

/** Without a residual the network answers the future itself, relative to the window's first value: target + x[L-1]. */
function addLastValue({ count, windows, targets }: SampleBlock, inputLength: number, horizons: number): void {
  for (let j = 0; j < count; j++) {
    const last = windows[j * inputLength + inputLength - 1];
    for (let h = 0; h < horizons; h++) targets[j * horizons + h] += last;
  }
}

/** Moves targets beyond +-`most` there. */
function clipTargets({ targets }: SampleBlock, most: number): void {
  for (let i = 0; i < targets.length; i++) targets[i] = Math.max(-most, Math.min(most, targets[i]));
}

/**
 * The shards of a kind and split; nothing is read yet.
 *
 * @param clip greatest target that the network is to be given. Default: as they are.
 */
export function openShards(
  dir: string,
  manifest: DatasetManifest,
  kind: TrainedKind,
  split: Split,
  spec: WnnSpec,
  clip?: number,
): SampleShards {
  const { inputLength } = spec;
  const horizons = spec.horizons.length;
  const shards: ShardInfo[] = manifest.kinds[kind].splits[split].shards.filter(({ rows }) => rows > 0);
  const rows = shards.map((shard) => shard.rows);
  return {
    inputLength,
    horizons,
    rows,
    total: rows.reduce((sum, count) => sum + count, 0),
    largestFile: Math.max(0, ...shards.map(({ bytes }) => bytes)),
    async read(index) {
      const { file, ...size } = shards[index];
      const block = await readShard(join(dir, file), { inputLength, horizons, ...size });
      if (!spec.residual) addLastValue(block, inputLength, horizons);
      if (clip !== undefined) clipTargets(block, clip);
      return block;
    },
  };
}

/**
 * Reads shards, in the order given, into one block.
 *
 * @param into block to fill from its start; must have room for them all.
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
    into.windows.set(block.windows, into.count * shards.inputLength);
    into.targets.set(block.targets, into.count * shards.horizons);
    if (block.scales) into.scales?.set(block.scales, into.count);
    into.count += block.count;
  }
  return into;
}

/** An empty block with room for `capacity` samples, and for their scales where they are wanted. */
export function createBlock({ inputLength, horizons }: SampleShards, capacity: number, scaled = false): SampleBlock {
  return {
    scales: scaled ? new Float32Array(capacity) : undefined,
    count: 0,
    windows: new Float32Array(capacity * inputLength),
    targets: new Float32Array(capacity * horizons),
  };
}
