// Samples of a known law, written as the dataset stage writes them, and the float64 reference as a compute engine.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeJsonAtomic } from '../../src/atomic.js';
import type { NetworkCompute } from '../../src/network/compute.js';
import type { NowcasterSpec } from '../../src/network/spec.js';
import { DEFAULT_KINDS, PAPER_SPEC, sortKinds, type TrainedKind } from '../../src/nowcaster/spec.js';
import { Random } from '../../src/random.js';
import { type DatasetManifest, type KindSummary, SAMPLES_SCHEMA_VERSION, type Split } from '../../src/samples/index.js';
import { ShardWriter } from '../../src/samples/shardWriter.js';
import { EVERY_EPOCH } from '../../src/trajectory/cadence.js';
import { referenceForward, referenceLossAndGradients } from '../families/wnn/reference.js';

/** Makes a directory of its own and takes it away with `dispose`. */
export function makeDirectory(): { dir: string; dispose: () => void } {
  const dir = mkdtempSync(join(tmpdir(), 'wnn-train-'));
  return { dir, dispose: () => rmSync(dir, { recursive: true, force: true }) };
}

/** A smooth law: how far the weight goes on depends on its drift and its curvature, bent by a tanh. */
export function lawOf(window: ArrayLike<number>, offset: number, length: number, horizon: number): number {
  const first = window[offset];
  const middle = window[offset + (length >> 1)];
  const last = window[offset + length - 1];
  const drift = last - first;
  const curve = last - 2 * middle + first;
  return 0.3 * Math.tanh(0.4 * horizon * (drift - 1.5 * curve) + 2 * drift * drift);
}

/** Normalized windows (range about 1/2) and their targets under the law. */
export function drawLaw(spec: NowcasterSpec, count: number, seed: number, name: string) {
  const random = new Random(seed, 'law', name);
  const length = spec.inputLength;
  const windows = new Float32Array(count * length);
  const targets = new Float32Array(count * spec.horizons.length);
  for (let j = 0; j < count; j++) {
    const [drift, curve] = [0.08 * random.normal(), 0.03 * random.normal()];
    for (let i = 1; i < length; i++) windows[j * length + i] = drift * i + curve * i * i + 0.05 * random.normal();
    spec.horizons.forEach((horizon, h) => {
      targets[j * spec.horizons.length + h] = lawOf(windows, j * length, length, horizon);
    });
  }
  return { windows, targets };
}

/** The scale of a fixture's sample, different from one to the next. */
export const scaleOf = (j: number) => Math.fround(0.01 * (1 + (j % 7)));

/** What {@link writeSamples} writes. */
export interface SampleFixture {
  spec?: NowcasterSpec;
  kinds?: readonly TrainedKind[];
  /** Rows of each shard. */
  train?: number[];
  val?: number[];
  seed?: number;
}

/** Writes a directory of samples under the law. */
export function writeSamples(
  dir: string,
  { spec = PAPER_SPEC, kinds = DEFAULT_KINDS, train = [300, 200], val = [150], seed = 1 }: SampleFixture = {},
): DatasetManifest {
  const horizons = spec.horizons.length;
  const runIds = ['run-train', 'run-val'];
  const writeSplit = (kind: TrainedKind, split: Split, rows: number[]) => {
    const shards = rows.map((count, i) => {
      const file = `${kind}/${split}-${String(i).padStart(5, '0')}.arrow`;
      const writer = new ShardWriter(join(dir, file), { inputLength: spec.inputLength, horizons }, runIds);
      const { windows, targets } = drawLaw(spec, count, seed, file);
      const scales = Float32Array.from({ length: count }, (_, j) => scaleOf(j));
      writer.write({ windows, targets, scales, runs: new Int32Array(count).fill(split === 'train' ? 0 : 1) }, count);
      return { file, rows: count, bytes: writer.close(null), crc32: writer.crc32 };
    });
    return { samples: rows.reduce((sum, count) => sum + count, 0), shards };
  };
  const summarize = (kind: TrainedKind): KindSummary => {
    const wanted = kinds.includes(kind);
    const splits = {
      train: writeSplit(kind, 'train', wanted ? train : []),
      val: writeSplit(kind, 'val', wanted ? val : []),
    };
    const samples = splits.train.samples + splits.val.samples;
    return {
      tensors: 1,
      seen: samples,
      drawn: samples,
      dropped: { zeroRange: 0, smallRange: 0, nonFinite: 0, pastDivergence: 0, snapshotGap: 0, nowcast: 0 },
      samples,
      splits,
      targets: [],
    };
  };
  const manifest: DatasetManifest = {
    schemaVersion: SAMPLES_SCHEMA_VERSION,
    toolkitVersion: '0.0.0',
    inputLength: spec.inputLength,
    horizons: spec.horizons,
    normalization: spec.normalization,
    family: spec.family,
    inputs: ['window'],
    cadence: EVERY_EPOCH,
    seed,
    sampling: {
      scalarsPerTensor: 100,
      windowStride: 1,
      firstSnapshot: 0,
      minRange: 0,
      balance: [],
      includeInterrupted: false,
    },
    split: { by: 'share', validationShare: 0.5 },
    shardRows: 1000,
    runs: runIds.map((id, i) => ({
      id,
      sha256: String(i).repeat(64),
      task: 'mnist',
      architecture: 'mlp',
      split: i === 0 ? 'train' : 'val',
      snapshots: 12,
      samples: 1,
    })),
    kinds: Object.fromEntries(sortKinds([...DEFAULT_KINDS, ...kinds]).map((kind) => [kind, summarize(kind)])),
  };
  writeJsonAtomic(join(dir, 'dataset.json'), manifest);
  return manifest;
}

/** A compute engine by the float64 reference; `intercept` may change or fail a step's loss. */
export function createReferenceCompute(
  spec: NowcasterSpec,
  intercept: (loss: number, call: number) => number = (loss) => loss,
): NetworkCompute {
  let calls = 0;
  return {
    spec,
    description: 'reference',
    async forward(parameters, windows, count, outputs) {
      outputs.set(referenceForward(spec, parameters, windows, count));
    },
    async lossAndGradients(parameters, windows, targets, count, loss, gradients) {
      const result = referenceLossAndGradients(spec, parameters, windows, targets, count, loss);
      gradients.set(result.gradients);
      return intercept(result.loss, calls++);
    },
    async dispose() {},
  };
}
