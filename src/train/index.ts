// The train stage: samples in, one network a kind out, with its checkpoint, its metrics and the record of it all.

import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeJsonAtomic } from '../atomic.js';
import { CorruptFileError, InsufficientDataError, MismatchError, UsageError } from '../errors.js';
import { layoutOf } from '../nowcaster/layout.js';
import { PAPER_SPEC, sameSpec, specProblem, TRAINED_KINDS, type TrainedKind, type WnnSpec } from '../nowcaster/spec.js';
import {
  bestWeightsPath,
  checkTrainingRecord,
  type KindTraining,
  TRAINING_RECORD_NAME,
  TRAINING_SCHEMA_VERSION,
  type TrainingRecord,
  type TrainingSettings,
} from '../nowcaster/trainingRecord.js';
import { DATASET_MANIFEST, type DatasetManifest, readDatasetManifest, requireSampleSpec } from '../samples/index.js';
import { TOOLKIT_VERSION } from '../version.js';
import { BatchFeed } from './batchFeed.js';
import { hashBytes, readCheckpoint, type TrainingIdentity, type TrainingState } from './checkpoint.js';
import { chooseComputeEngine } from './computeEngine.js';
import { checkChoices, planMemory, resolveSettings, type SampleExtent, type TrainOptions } from './options.js';
import { openShards, type SampleShards } from './sampleShards.js';
import { CHECKPOINT_NAME, METRICS_NAME, openEvents, saveBest, trainKind } from './trainKind.js';
import { ValidationSet } from './validation.js';

export type { ComputeRequest } from './computeEngine.js';
export type { MetricsLine } from './metricsLog.js';
export type { TrainingChoices, TrainOptions } from './options.js';
export { SCHEDULES, type Schedule } from './schedule.js';

/** What training a kind will take. */
export interface KindPlan {
  kind: TrainedKind;
  trainSamples: number;
  validationSamples: number;
  stepsPerEpoch: number;
  settings: TrainingSettings;
  /** Step to go on from; 0 for a start, `settings.plannedSteps` or earlier stop when it has ended. */
  step: number;
  /** Whether nothing is left to do. */
  ended: boolean;
  /** Bytes of samples held in memory at once, at most. */
  sampleBytes: number;
}

/** What a training will do, known before it starts. */
export interface TrainingPlan {
  spec: WnnSpec;
  /** Parameters of each network. */
  parameters: number;
  kinds: KindPlan[];
}

/** What came of training one kind in this call. */
export interface KindResult {
  kind: TrainedKind;
  /** Path of the best weights. */
  weights: string;
  /** Step that it went on from; 0 for a start; equal to the record's steps when it had ended before. */
  resumedFrom: number;
  /** Wall time of this call's training, in seconds, validations included, and samples trained on in a second of it. */
  seconds: number;
  samplesPerSecond: number;
}

/** Result of {@link trainNowcaster}. */
export interface TrainResult {
  out: string;
  /** Path of `train.json`, and its content. */
  recordPath: string;
  record: TrainingRecord;
  /** What computed it, for people; null when nothing was left to compute. */
  engine: string | null;
  /** The kinds of this call. */
  kinds: KindResult[];
}

/** A kind with all that was found out about it before training. */
interface PreparedKind extends KindPlan {
  train: SampleShards;
  validation: SampleShards;
  validationResident: boolean;
  identity: TrainingIdentity;
  state: TrainingState | null;
}

interface PreparedTraining {
  manifest: DatasetManifest;
  datasetHash: string;
  spec: WnnSpec;
  kinds: PreparedKind[];
  recordPath: string;
  /** The record that is there already, of the same spec and samples. */
  record: TrainingRecord | null;
}

function resolveSpec(options: TrainOptions, manifest: DatasetManifest): WnnSpec {
  const { inputLength, horizons, normalisation } = manifest;
  const given = Object.fromEntries(Object.entries(options.spec ?? {}).filter(([, value]) => value !== undefined));
  const spec: WnnSpec = { ...PAPER_SPEC, inputLength, horizons, normalisation, ...given };
  const problem = specProblem(spec);
  if (problem !== null) throw new UsageError({ what: problem, where: 'spec', remedy: 'change the option' });
  requireSampleSpec(manifest, spec, options.samples);
  return spec;
}

function resolveKinds(kinds: readonly TrainedKind[] = TRAINED_KINDS): TrainedKind[] {
  for (const kind of kinds)
    if (!TRAINED_KINDS.includes(kind))
      throw new UsageError({ what: `no kind ${kind}`, where: '--kinds', remedy: `use ${TRAINED_KINDS.join(', ')}` });
  if (kinds.length === 0)
    throw new UsageError({ what: 'no kinds', where: '--kinds', remedy: `use ${TRAINED_KINDS.join(', ')}` });
  return TRAINED_KINDS.filter((kind) => kinds.includes(kind));
}

function readRecord(path: string): TrainingRecord | null {
  if (!existsSync(path)) return null;
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new CorruptFileError({
      what: 'not a JSON file',
      where: path,
      remedy: 'give --restart to start over, or another --out',
      cause,
    });
  }
  return checkTrainingRecord(value, path);
}

function prepareKind(
  kind: TrainedKind,
  options: TrainOptions,
  manifest: DatasetManifest,
  spec: WnnSpec,
  dataset: string,
): PreparedKind {
  const train = openShards(options.samples, manifest, kind, 'train', spec);
  const validation = openShards(options.samples, manifest, kind, 'val', spec);
  for (const [name, shards] of [
    ['training', train],
    ['validation', validation],
  ] as const)
    if (shards.total === 0)
      throw new InsufficientDataError({
        what: `no ${name} samples of kind ${kind}`,
        where: join(options.samples, DATASET_MANIFEST),
        remedy: `record more runs whose networks have ${kind} tensors, or leave ${kind} out with --kinds`,
      });
  const extent: SampleExtent = {
    trainSamples: train.total,
    validationSamples: validation.total,
    largestShard: {
      rows: Math.max(...train.rows, ...validation.rows),
      bytes: Math.max(train.largestFile, validation.largestFile),
    },
    width: spec.inputLength + spec.horizons.length,
  };
  const settings = resolveSettings(options, extent);
  const memory = planMemory(extent, options.memory);
  const identity: TrainingIdentity = { kind, spec, dataset, settings };
  const state = options.resume === false ? null : readCheckpoint(join(options.out, kind, CHECKPOINT_NAME), identity);
  return {
    kind,
    trainSamples: train.total,
    validationSamples: validation.total,
    stepsPerEpoch: Math.ceil(train.total / settings.batchSize),
    settings,
    step: state?.step ?? 0,
    ended: state !== null && state.ended !== null,
    sampleBytes: memory.bytes,
    train,
    validation,
    validationResident: memory.validationResident,
    identity,
    state,
  };
}

/** Finds out, before anything is computed or written, whether the training can go ahead. */
function prepareTraining(options: TrainOptions): PreparedTraining {
  checkChoices(options);
  const kinds = resolveKinds(options.kinds);
  const manifest = readDatasetManifest(options.samples);
  const spec = resolveSpec(options, manifest);
  const datasetHash = hashBytes(readFileSync(join(options.samples, DATASET_MANIFEST)));
  const prepared = kinds.map((kind) => prepareKind(kind, options, manifest, spec, datasetHash));
  const recordPath = join(options.out, TRAINING_RECORD_NAME);
  let record: TrainingRecord | null = null;
  if (options.resume !== false) {
    record = readRecord(recordPath);
    if (record && !(sameSpec(record.spec, spec) && record.dataset.sha256 === datasetHash))
      throw new MismatchError({
        what: 'record of a training with another spec or other samples',
        where: recordPath,
        remedy: 'give --restart to start over, or another --out',
      });
  }
  return { manifest, datasetHash, spec, kinds: prepared, recordPath, record };
}

/**
 * Says what {@link trainNowcaster} would do with the same options, without computing or writing anything.
 *
 * @throws what {@link trainNowcaster} throws before it starts.
 */
export function planTraining(options: TrainOptions): TrainingPlan {
  const { spec, kinds } = prepareTraining(options);
  return {
    spec,
    parameters: layoutOf(spec).size,
    kinds: kinds.map(
      ({ kind, trainSamples, validationSamples, stepsPerEpoch, settings, step, ended, sampleBytes }): KindPlan => ({
        kind,
        trainSamples,
        validationSamples,
        stepsPerEpoch,
        settings,
        step,
        ended,
        sampleBytes,
      }),
    ),
  };
}

/** The record's entry of a kind whose training has ended. */
function describeTraining(prepared: PreparedKind, state: TrainingState, weights: Uint8Array): KindTraining {
  const { spec } = prepared.identity;
  const best = state.best!;
  const { noChange, linear } = state.baselines;
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  return {
    trainSamples: prepared.trainSamples,
    validationSamples: prepared.validationSamples,
    steps: state.step,
    epochs: state.step / prepared.stepsPerEpoch,
    bestStep: best.step,
    bestEpoch: best.step / prepared.stepsPerEpoch,
    trainLoss: best.trainLoss,
    validation: { noChange: mean(noChange), linear: mean(linear), wnn: best.error },
    horizons: spec.horizons.map((horizon, i) => ({
      horizon,
      noChange: noChange[i],
      linear: linear[i],
      wnn: best.horizonErrors[i],
    })),
    ended: state.ended!,
    rollbacks: state.rollbacks,
    weights: bestWeightsPath(prepared.kind),
    weightsSha256: hashBytes(weights),
    engine: state.engine,
    settings: prepared.settings,
  };
}

/** Takes away what an earlier training left of these kinds, the record's entries first. */
function discardKinds(options: TrainOptions, kinds: readonly PreparedKind[], recordPath: string): void {
  rmSync(recordPath, { force: true });
  for (const { kind } of kinds)
    for (const name of [CHECKPOINT_NAME, METRICS_NAME]) rmSync(join(options.out, kind, name), { force: true });
}

/**
 * Trains the networks of a nowcaster on samples, one kind after another, and goes on where an earlier call with the
 * same options was cut off. The files in `out` depend on samples and options only, not on interruptions or threads.
 *
 * @throws {@link UsageError} for impossible options.
 * @throws {@link MissingFileError}, {@link CorruptFileError}, {@link SchemaVersionError} for samples or checkpoints
 *   that are missing, truncated, or hold values that are not finite.
 * @throws {@link InsufficientDataError} when a kind has no training or no validation samples.
 * @throws {@link MismatchError} when samples or checkpoints belong to another spec, dataset or settings.
 * @throws {@link EngineUnavailableError} when the engine cannot open.
 * @throws {@link WriteError} when the disk is full; the last checkpoint stays.
 * @throws {@link WnnError} when training does not stay finite.
 * @throws the signal's reason when it is aborted, after saving a checkpoint.
 */
export async function trainNowcaster(options: TrainOptions): Promise<TrainResult> {
  const { manifest, datasetHash, spec, kinds, recordPath, record: earlier } = prepareTraining(options);
  if (options.resume === false) discardKinds(options, kinds, recordPath);
  const trained: TrainingRecord['kinds'] = { ...earlier?.kinds };
  const makeRecord = (): TrainingRecord => ({
    schemaVersion: TRAINING_SCHEMA_VERSION,
    toolkitVersion: TOOLKIT_VERSION,
    spec,
    kinds: Object.fromEntries(TRAINED_KINDS.flatMap((kind) => (trained[kind] ? [[kind, trained[kind]]] : []))),
    dataset: {
      sha256: datasetHash,
      seed: manifest.seed,
      runs: manifest.runs.map(({ id, sha256, split, task, architecture, epochs, samples }) => ({
        id,
        sha256,
        split,
        task,
        architecture,
        epochs,
        samples,
      })),
    },
  });
  const results: KindResult[] = [];
  const isDone = kinds.every(({ ended }) => ended);
  const engine =
    isDone || options.openCompute ? null : await chooseComputeEngine(options.engine ?? 'auto', options.threads);
  const compute = isDone ? null : ((await (options.openCompute ?? engine?.open)?.(spec)) ?? null);
  try {
    for (const prepared of kinds) {
      const { kind, train, settings } = prepared;
      const started = performance.now();
      const dir = join(options.out, kind);
      const { identity } = prepared;
      const events = options.tensorboard === undefined ? undefined : join(options.tensorboard, kind);
      let state = prepared.state;
      if (state !== null && state.ended !== null) openEvents({ identity, dir, events })?.close();
      else
        state = await trainKind({
          identity,
          dir,
          events,
          compute: compute!,
          engine: engine?.name ?? compute!.description,
          feed: new BatchFeed(train, { ...settings, name: kind }),
          validation: new ValidationSet(prepared.validation, prepared.validationResident),
          trainSamples: train.total,
          state,
          checkpointSeconds: options.checkpointSeconds ?? 10,
          signal: options.signal,
          onProgress: options.onProgress,
          onNote: options.onNote,
          onMetrics: (line) => options.onMetrics?.(kind, line),
        });
      const weights = saveBest(dir, spec, state.best!);
      trained[kind] = describeTraining(prepared, state, weights);
      writeJsonAtomic(recordPath, makeRecord());
      const seconds = (performance.now() - started) / 1000;
      results.push({
        kind,
        weights: join(options.out, bestWeightsPath(kind)),
        resumedFrom: prepared.step,
        seconds,
        samplesPerSecond: ((state.step - prepared.step) * train.total) / prepared.stepsPerEpoch / seconds,
      });
    }
  } finally {
    await compute?.dispose();
  }
  return { out: options.out, recordPath, record: makeRecord(), engine: compute?.description ?? null, kinds: results };
}
