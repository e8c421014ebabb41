// Builds dataset.json: the options that determine the samples, the runs, and the window counts of each kind.

import { InsufficientDataError } from '../errors.js';
import { sampleInputs, TRAINED_KINDS, type TrainedKind } from '../nowcaster/spec.js';
import {
  type DatasetManifest,
  type KindSummary,
  SAMPLES_SCHEMA_VERSION,
  type ShardInfo,
  type SourceRun,
  type Split,
} from '../samples/index.js';
import { TOOLKIT_VERSION } from '../version.js';
import type { RunStatistics } from './extractRun.js';
import type { DatasetSettings } from './options.js';
import type { PreparedDataset } from './prepare.js';
import type { UsableRun } from './runs.js';
import { splitRule } from './split.js';
import { createSketch, describeSketch, mergeSketch, type TargetSketch } from './targetSketch.js';

/** The part of dataset.json that is known before the runs are read. */
export function describeSettings(settings: DatasetSettings, [{ cadence }]: readonly UsableRun[]) {
  const { family, inputLength, horizons, normalization, seed, shardRows } = settings;
  const { scalarsPerTensor, windowStride, firstSnapshot, minRange, balance, includeInterrupted } = settings;
  return {
    schemaVersion: SAMPLES_SCHEMA_VERSION,
    toolkitVersion: TOOLKIT_VERSION,
    inputLength,
    horizons,
    normalization,
    family,
    inputs: sampleInputs(family),
    cadence: settings.resample ?? cadence,
    seed,
    sampling: { scalarsPerTensor, windowStride, firstSnapshot, minRange, balance, includeInterrupted },
    split: splitRule(settings),
    shardRows,
  } satisfies Omit<DatasetManifest, 'runs' | 'kinds'>;
}

/** The content of dataset.json for a finished build. */
export function describeDataset(
  { settings, runs, hashes, plan: { splits } }: PreparedDataset,
  statistics: readonly RunStatistics[],
  shards: Record<Split, Record<TrainedKind, ShardInfo[]>>,
): DatasetManifest {
  const sources = runs.map(
    ({ id, task, architecture, cadence, keepEvery, scalarsPerTensor }, i): SourceRun => ({
      id,
      sha256: hashes[i],
      task,
      architecture,
      ...(keepEvery > 1 && { resampledFrom: cadence }),
      ...(scalarsPerTensor !== undefined && { scalarsPerTensor }),
      split: splits[i],
      snapshots: statistics[i].snapshots,
      samples: TRAINED_KINDS.reduce((sum, kind) => sum + statistics[i].kinds[kind].samples, 0),
    }),
  );
  const kinds = Object.fromEntries(
    settings.kinds.map((kind) => [kind, summarize(kind, settings.horizons, statistics, shards)]),
  );
  return { ...describeSettings(settings, runs), runs: sources, kinds };
}

function summarize(
  kind: TrainedKind,
  horizons: readonly number[],
  statistics: readonly RunStatistics[],
  shards: Record<Split, Record<TrainedKind, ShardInfo[]>>,
): KindSummary {
  const own = statistics.map(({ kinds }) => kinds[kind]);
  const total = (pick: (one: (typeof own)[number]) => number) => own.reduce((sum, one) => sum + pick(one), 0);
  const sketches: TargetSketch[] = horizons.map(createSketch);
  for (const one of own) for (const [h, sketch] of sketches.entries()) mergeSketch(sketch, one.sketches[h]);
  const part = (split: Split) => ({
    samples: shards[split][kind].reduce((sum, { rows }) => sum + rows, 0),
    shards: shards[split][kind],
  });
  const samples = total((one) => one.samples);
  return {
    tensors: total((one) => one.tensors),
    seen: total((one) => one.seen),
    drawn: total((one) => one.drawn),
    dropped: {
      zeroRange: total((one) => one.dropped.zeroRange),
      smallRange: total((one) => one.dropped.smallRange),
      nonFinite: total((one) => one.dropped.nonFinite),
      pastDivergence: total((one) => one.dropped.pastDivergence),
      snapshotGap: total((one) => one.dropped.snapshotGap),
      nowcast: total((one) => one.dropped.nowcast),
    },
    samples,
    splits: { train: part('train'), val: part('val') },
    targets: samples === 0 ? [] : sketches.map((sketch, h) => describeSketch(sketch, horizons[h])),
  };
}

/** @throws {@link InsufficientDataError} when there is nothing to train on. */
export function checkNotEmpty({ kinds }: DatasetManifest, { stores }: DatasetSettings): void {
  const summaries = Object.values(kinds);
  if (summaries.some(({ splits }) => splits.train.samples > 0)) return;
  const dropped = summaries.map((summary) => summary.dropped);
  const count = (reason: keyof (typeof dropped)[number]) => dropped.reduce((sum, by) => sum + (by[reason] ?? 0), 0);
  throw new InsufficientDataError({
    what:
      `no training samples (dropped windows: ${count('zeroRange')} without change, ${count('smallRange')} of small range, ` +
      `${count('nonFinite')} not finite, ` +
      `${count('pastDivergence')} past a divergence, ${count('snapshotGap')} with missing snapshots, ${count('nowcast')} across a nowcast)`,
    where: stores.join(', '),
    remedy: 'record more or longer runs',
  });
}
