// The dataset stage: from trajectory stores to samples that a nowcaster can be trained on. Reads each run once, writes
// each sample once.

import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { asWriteError, writeJsonAtomic } from '../atomic.js';
import { InsufficientDataError, QueueError, UsageError, WnnError } from '../errors.js';
import { type Job, runJobs, type Shard, takeShard } from '../jobs/index.js';
import { TRAINED_KINDS, type TrainedKind } from '../nowcaster/spec.js';
import type { ProgressEvent } from '../progress.js';
import {
  DATASET_MANIFEST,
  type DatasetManifest,
  type KindSummary,
  readDatasetManifest,
  SAMPLES_SCHEMA_VERSION,
  type ShardInfo,
  type SourceRun,
  SPLITS,
  type Split,
} from '../samples/index.js';
import { TOOLKIT_VERSION } from '../version.js';
import { ShardAssembler } from './assembler.js';
import type { RunFigures } from './extractRun.js';
import { datasetJobs, megabytesOf, type PartJob, partId, partPath } from './jobKind.js';
import { type DatasetOptions, type DatasetResult, type DatasetSettings, settleOptions } from './options.js';
import { readPart } from './part.js';
import { type DatasetPlan, planDataset } from './plan.js';
import { extractRuns, type PoolListeners } from './pool.js';
import { findRuns, hashRun, type UsableRun } from './runs.js';
import { splitRule } from './split.js';
import { createSketch, describeSketch, mergeSketch, type TargetSketch } from './targetSketch.js';

export { BALANCES, type Balance, type DatasetOptions, type DatasetResult, type HoldOut } from './options.js';

/**
 * Builds samples from trajectory stores.
 *
 * Which scalars are drawn, which runs validate, which shard a sample goes to and in what order follows from the seed and
 * the ids of the runs alone: the same inputs give the same bytes, with any number of threads. The samples appear under
 * their directory when they are whole; a build that was killed leaves `<out>.partial`, which the next one replaces.
 *
 * @throws UsageError for impossible options, or when `out` holds anything but samples.
 * @throws InsufficientDataError when the stores hold no usable run, only runs shorter than L + H epochs, or nothing moves.
 * @throws MissingFileError, CorruptFileError or SchemaVersionError for stores that cannot be read.
 * @throws WriteError when the disk is full; samples that were there before are left as they were.
 */
export async function buildDataset(options: DatasetOptions): Promise<DatasetResult> {
  const { onProgress = () => {}, onNote = () => {}, signal } = options;
  const { settings, runs, plan, hashes, dir, parts, jobs } = await prepare(options);
  if (settings.reuse) {
    const manifest = findSame(dir, headOf(settings, runs), runs, plan.splits, hashes);
    if (manifest) return { dir, manifest, reused: true };
  }
  if (!plan.splits.includes('val')) onNote('no run is kept for validation: there will be no validation samples');

  if (options.queue !== undefined) await extractOnQueue(options, parts, jobs);
  const partial = `${dir}.partial`;
  try {
    rmSync(partial, { recursive: true, force: true });
    mkdirSync(partial, { recursive: true });
    const figures: RunFigures[] = [];
    const ids = runs.map(({ id }) => id);
    const assembler = new ShardAssembler(partial, plan.packet, ids, settings.seed);
    const listeners: PoolListeners = {
      onPacket: (index, packet) => assembler.take(packet, plan.splits[index], index),
      onRun: (run) => {
        figures[run.index] = run;
      },
      onAdvance: progressOf(plan, figures, onProgress),
    };
    if (options.merge || options.queue !== undefined) await mergeParts(parts, jobs, listeners, signal);
    else {
      const { threads, slots, packet } = plan;
      await extractRuns(plan.tasks, listeners, { threads, slots, packet, signal });
    }
    const shards = assembler.finish();
    const manifest = describe(settings, runs, plan.splits, hashes, figures, shards);
    checkNotEmpty(manifest, settings);
    for (const kind of TRAINED_KINDS) if (manifest.kinds[kind].samples === 0) onNote(`no samples of kind ${kind}`);
    writeJsonAtomic(join(partial, DATASET_MANIFEST), manifest);
    signal?.throwIfAborted();
    putInPlace(partial, dir);
    if (options.merge || options.queue !== undefined) rmSync(parts, { recursive: true, force: true });
    const megabytes = totalMegabytes(plan);
    onProgress({ task: 'dataset', done: megabytes, total: megabytes, unit: 'MB' });
    return { dir, manifest, reused: false };
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    throw error instanceof WnnError ? error : asWriteError(error, dir);
  }
}

/** Everything that is known before a run is read. */
async function prepare(options: DatasetOptions) {
  const settings = settleOptions(options);
  const runs = findRuns(settings, options.onNote ?? (() => {}));
  const plan = planDataset(runs, settings);
  const hashes: string[] = [];
  for (const run of runs) hashes.push(await hashRun(run.directory));
  const dir = resolve(settings.out);
  checkReplaceable(dir);
  const parts = `${dir}.parts`;
  const jobs = plan.tasks.map((task, i): Job<PartJob> => {
    return { id: partId(task, hashes[i]), spec: { task, sha256: hashes[i], out: parts } };
  });
  return { settings, runs, plan, hashes, dir, parts, jobs };
}

/** Result of {@link extractShard}. */
export interface ShardResult {
  /** Directory of the parts. */
  parts: string;
  /** Parts of the whole build, and how many of them are not there yet. */
  runs: number;
  missing: number;
  /** Parts of the shard that were made now, and that were there already. */
  made: number;
  kept: number;
}

/**
 * Reads every n-th run and leaves a part of each in `<out>.parts`. When all shards have done so,
 * {@link buildDataset} with `merge` makes the samples of them, with the same bytes as without shards.
 *
 * @throws as {@link buildDataset}; an Error that names the first run that could not be read.
 */
export async function extractShard(options: DatasetOptions, shard: Shard): Promise<ShardResult> {
  const { onProgress, onNote, signal } = options;
  const { settings, parts, jobs } = await prepare(options);
  const isMissing = ({ id }: Job<PartJob>) => !datasetJobs.isDone(parts, id);
  const own = takeShard(jobs, shard);
  const missing = own.filter(isMissing);
  const { entry, name: label, unit, unitsOf } = datasetJobs;
  const outcomes = await runJobs<PartJob, null>({
    entry,
    jobs: missing,
    workers: Math.max(1, settings.threads),
    label,
    unit,
    unitsOf: ({ spec }) => unitsOf(spec),
    unitsBefore: own.filter((job) => !isMissing(job)).reduce((sum, { spec }) => sum + unitsOf(spec), 0),
    onProgress,
    onNote,
    signal,
  });
  signal?.throwIfAborted();
  for (const outcome of outcomes) if (outcome.status === 'failed') throw outcome.error;
  return {
    parts,
    runs: jobs.length,
    missing: jobs.filter(isMissing).length,
    made: missing.length,
    kept: own.length - missing.length,
  };
}

/** Has the workers of a queue make the parts that are missing. */
async function extractOnQueue(
  { queue = '', root, onProgress, onNote, signal }: DatasetOptions,
  parts: string,
  jobs: readonly Job<PartJob>[],
): Promise<void> {
  const missing = jobs.filter(({ id }) => !datasetJobs.isDone(parts, id));
  if (missing.length === 0) return;
  const { dispatchJobs } = await import('../fleet/dispatch.js');
  const list = { kind: datasetJobs, directory: parts, jobs: missing };
  // The assembly has the bar called `dataset`.
  const onParts = onProgress && ((event: ProgressEvent) => onProgress({ ...event, task: 'dataset parts' }));
  const outcomes = await dispatchJobs({ queue, root, ...list, onProgress: onParts, onNote, signal });
  signal?.throwIfAborted();
  const failed = outcomes.filter(({ status }) => status === 'failed');
  if (failed.length === 0) return;
  throw new QueueError({
    what: `${failed.length} of ${jobs.length} runs could not be read`,
    where: failed[0].job.id,
    remedy: 'look at them with `wnn queue status`, then `wnn queue retry` and run the same command again',
  });
}

/** Gives the packets of all parts, in the order of runs. */
async function mergeParts(
  parts: string,
  jobs: readonly Job<PartJob>[],
  { onPacket, onRun, onAdvance }: PoolListeners,
  signal: AbortSignal | undefined,
): Promise<void> {
  const missing = jobs.filter(({ id }) => !datasetJobs.isDone(parts, id));
  if (missing.length > 0)
    throw new InsufficientDataError({
      what: `${missing.length} of ${jobs.length} parts are missing, the first is ${missing[0].id}`,
      where: parts,
      remedy: 'make them with --shard and the same options',
    });
  for (const [index, { id, spec }] of jobs.entries()) {
    const figures = readPart(partPath(parts, id), spec.task.packet, (packet) => onPacket(index, packet));
    onRun({ ...figures, index });
    onAdvance([{ index, fraction: 1 }]);
    await new Promise((resolve) => setImmediate(resolve));
    signal?.throwIfAborted();
  }
}

/** What of dataset.json follows from the options alone. */
function headOf(settings: DatasetSettings, [{ cadence }]: readonly UsableRun[]) {
  const { inputLength, horizons, normalization, seed, shardRows } = settings;
  const { scalarsPerTensor, windowStride, firstEpoch, minRange, balance, includeNorm, includeInterrupted } = settings;
  return {
    schemaVersion: SAMPLES_SCHEMA_VERSION,
    toolkitVersion: TOOLKIT_VERSION,
    inputLength,
    horizons,
    normalization,
    cadence,
    seed,
    sampling: { scalarsPerTensor, windowStride, firstEpoch, minRange, balance, includeNorm, includeInterrupted },
    split: splitRule(settings),
    shardRows,
  } satisfies Omit<DatasetManifest, 'runs' | 'kinds'>;
}

/** Refuses to put samples in the place of anything else. */
function checkReplaceable(dir: string): void {
  if (!existsSync(dir)) return;
  if (statSync(dir).isDirectory() && (existsSync(join(dir, DATASET_MANIFEST)) || readdirSync(dir).length === 0)) return;
  throw new UsageError({
    what: 'something other than samples is in the way',
    where: dir,
    remedy: 'choose another --out, or remove it',
  });
}

/** The samples that are there, when they are whole and what this build would make. */
function findSame(
  dir: string,
  head: ReturnType<typeof headOf>,
  runs: readonly UsableRun[],
  splits: readonly Split[],
  hashes: readonly string[],
): DatasetManifest | null {
  if (!existsSync(join(dir, DATASET_MANIFEST))) return null;
  let manifest: DatasetManifest;
  try {
    manifest = readDatasetManifest(dir);
  } catch {
    // Whatever is wrong with it, it is built again.
    return null;
  }
  const { runs: hadRuns, kinds, ...hadHead } = manifest;
  const sources = hadRuns.map(({ id, split, sha256 }) => `${id} ${split} ${sha256}`);
  if (!isDeepStrictEqual(hadHead, head)) return null;
  if (
    !isDeepStrictEqual(
      sources,
      runs.map(({ id }, i) => `${id} ${splits[i]} ${hashes[i]}`),
    )
  )
    return null;
  const shards = TRAINED_KINDS.flatMap((kind) => SPLITS.flatMap((split) => kinds[kind].splits[split].shards));
  const whole = shards.every(({ file, bytes }) => statSync(join(dir, file), { throwIfNoEntry: false })?.size === bytes);
  return whole ? manifest : null;
}

function totalMegabytes({ tasks }: DatasetPlan): number {
  return tasks.reduce((sum, task) => sum + megabytesOf(task), 0);
}

/** Turns what workers are at into progress over all runs, in bytes of trajectory. */
function progressOf(
  plan: DatasetPlan,
  finished: readonly (RunFigures | undefined)[],
  onProgress: NonNullable<DatasetOptions['onProgress']>,
) {
  const total = totalMegabytes(plan);
  const seen = new Map<number, number>();
  return (workers: { index: number | null; fraction: number }[]) => {
    for (const { index, fraction } of workers) if (index !== null) seen.set(index, fraction);
    let done = 0;
    for (const [index, fraction] of seen) done += megabytesOf(plan.tasks[index]) * (isBusy(index) ? fraction : 1);
    function isBusy(index: number): boolean {
      return workers.some((worker) => worker.index === index) && finished[index] === undefined;
    }
    onProgress({
      task: 'dataset',
      done: Math.min(done, total * 0.999),
      total,
      unit: 'MB',
      workers: workers.map(({ index, fraction }, worker) => ({
        worker,
        job: index === null ? null : plan.tasks[index].id,
        fraction,
        detail: `${Math.round(100 * fraction)}%`,
      })),
    });
  };
}

function describe(
  settings: DatasetSettings,
  runs: readonly UsableRun[],
  splits: readonly Split[],
  hashes: readonly string[],
  figures: readonly RunFigures[],
  shards: Record<Split, Record<TrainedKind, ShardInfo[]>>,
): DatasetManifest {
  const sources = runs.map(
    ({ id, task, architecture }, i): SourceRun => ({
      id,
      sha256: hashes[i],
      task,
      architecture,
      split: splits[i],
      epochs: figures[i].epochs,
      samples: TRAINED_KINDS.reduce((sum, kind) => sum + figures[i].kinds[kind].samples, 0),
    }),
  );
  const kinds = Object.fromEntries(
    TRAINED_KINDS.map((kind) => [kind, summarize(kind, settings.horizons, figures, shards)]),
  );
  return { ...headOf(settings, runs), runs: sources, kinds: kinds as DatasetManifest['kinds'] };
}

function summarize(
  kind: TrainedKind,
  horizons: readonly number[],
  figures: readonly RunFigures[],
  shards: Record<Split, Record<TrainedKind, ShardInfo[]>>,
): KindSummary {
  const own = figures.map(({ kinds }) => kinds[kind]);
  const total = (pick: (figure: (typeof own)[number]) => number) => own.reduce((sum, figure) => sum + pick(figure), 0);
  const sketches: TargetSketch[] = horizons.map(createSketch);
  for (const figure of own) for (const [h, sketch] of sketches.entries()) mergeSketch(sketch, figure.sketches[h]);
  const part = (split: Split) => ({
    samples: shards[split][kind].reduce((sum, { rows }) => sum + rows, 0),
    shards: shards[split][kind],
  });
  const samples = total((figure) => figure.samples);
  return {
    tensors: total((figure) => figure.tensors),
    seen: total((figure) => figure.seen),
    drawn: total((figure) => figure.drawn),
    dropped: {
      zeroRange: total((figure) => figure.dropped.zeroRange),
      smallRange: total((figure) => figure.dropped.smallRange),
      nonFinite: total((figure) => figure.dropped.nonFinite),
      pastDivergence: total((figure) => figure.dropped.pastDivergence),
      epochGap: total((figure) => figure.dropped.epochGap),
      nowcast: total((figure) => figure.dropped.nowcast),
    },
    samples,
    splits: { train: part('train'), val: part('val') },
    targets: samples === 0 ? [] : sketches.map((sketch, h) => describeSketch(sketch, horizons[h])),
  };
}

function checkNotEmpty({ kinds }: DatasetManifest, { stores }: DatasetSettings): void {
  const training = TRAINED_KINDS.reduce((sum, kind) => sum + kinds[kind].splits.train.samples, 0);
  if (training > 0) return;
  const dropped = TRAINED_KINDS.map((kind) => kinds[kind].dropped);
  const count = (reason: keyof (typeof dropped)[number]) => dropped.reduce((sum, by) => sum + (by[reason] ?? 0), 0);
  throw new InsufficientDataError({
    what:
      `no training samples (windows left out: ${count('zeroRange')} without change, ${count('smallRange')} of small range, ` +
      `${count('nonFinite')} not finite, ` +
      `${count('pastDivergence')} past a divergence, ${count('epochGap')} with missing epochs, ${count('nowcast')} across a nowcast)`,
    where: stores.join(', '),
    remedy: 'record more or longer runs',
  });
}

/** Puts a finished directory in the place of another. */
function putInPlace(partial: string, dir: string): void {
  const old = `${dir}.old`;
  rmSync(old, { recursive: true, force: true });
  mkdirSync(dirname(dir), { recursive: true });
  if (existsSync(dir)) renameSync(dir, old);
  renameSync(partial, dir);
  rmSync(old, { recursive: true, force: true });
}
