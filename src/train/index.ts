// The train stage: trains one network per kind on samples, and writes its checkpoint, its metrics and the training record.

import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeJsonAtomic } from '../atomic.js';
import { chooseComputeEngine } from '../compute/computeEngine.js';
import { clearLeftovers } from '../files/temporary.js';
import type { NowcasterSpec } from '../network/spec.js';
import { networkOf, TRAINED_KINDS, type TrainedKind } from '../nowcaster/spec.js';
import {
  bestWeightsPath,
  type ForecastErrors,
  type KindTraining,
  TRAINING_SCHEMA_VERSION,
  type TrainingRecord,
} from '../nowcaster/trainingRecord.js';
import { TOOLKIT_VERSION } from '../version.js';
import { BatchFeed } from './batchFeed.js';
import { hashBytes, type TrainingState } from './checkpoint.js';
import type { TrainOptions } from './options.js';
import {
  type KindPlan,
  kindsWithoutTensors,
  type PreparedKind,
  type PreparedTraining,
  prepareTraining,
} from './prepare.js';
import { CHECKPOINT_NAME, METRICS_NAME, openEvents, saveBest, trainKind } from './trainKind.js';
import { type HorizonMeans, meanOf, ValidationSet } from './validation.js';

export type { ComputeRequest } from '../compute/computeEngine.js';
export type { MetricsLine } from './metricsLog.js';
export type { TrainingChoices, TrainOptions } from './options.js';
export type { KindPlan } from './prepare.js';
export { SCHEDULES, type Schedule } from './schedule.js';

/** The plan of a training, computed before it starts. */
export interface TrainingPlan {
  spec: NowcasterSpec;
  /** Parameters of each network. */
  parameters: number;
  kinds: KindPlan[];
}

/** Result of training one kind in this call. */
export interface KindResult {
  kind: TrainedKind;
  /** Path of the best weights. */
  weights: string;
  /** Step at which it resumed; 0 for a new training; the number of steps in the record if it had already ended. */
  resumedFrom: number;
  /** Wall-clock time of training in this call, in seconds, including validations, and training samples per second. */
  seconds: number;
  samplesPerSecond: number;
}

/** Result of {@link trainNowcaster}. */
export interface TrainResult {
  out: string;
  /** Path of `train.json`, and its content. */
  recordPath: string;
  record: TrainingRecord;
  /** Human-readable description of the engine; null if nothing was left to compute. */
  engine: string | null;
  /** The kinds of this call. */
  kinds: KindResult[];
}

/**
 * Determines what {@link trainNowcaster} would do with the same options, without computing or writing anything.
 *
 * @throws what {@link trainNowcaster} throws before it starts.
 */
export function planTraining(options: TrainOptions): TrainingPlan {
  const { spec, kinds } = prepareTraining(options);
  return {
    spec,
    parameters: networkOf(spec).size,
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

/** The entry in the record of a kind whose training has ended. */
function describeTraining(prepared: PreparedKind, state: TrainingState, weights: Uint8Array): KindTraining {
  const { spec } = prepared.identity;
  const best = state.best!;
  const { noChange, linear } = state.baselines;
  const errorsOf = (units: keyof HorizonMeans, pick: (errors: number[]) => number): ForecastErrors => ({
    noChange: pick(noChange[units]),
    linear: pick(linear[units]),
    network: pick(best.errors[units]),
  });
  return {
    trainSamples: prepared.trainSamples,
    validationSamples: prepared.validationSamples,
    steps: state.step,
    epochs: state.step / prepared.stepsPerEpoch,
    bestStep: best.step,
    bestEpoch: best.step / prepared.stepsPerEpoch,
    trainLoss: best.trainLoss,
    validation: errorsOf('normalized', meanOf),
    rawValidation: errorsOf('raw', meanOf),
    horizons: spec.horizons.map((horizon, i) => ({
      horizon,
      ...errorsOf('normalized', (errors) => errors[i]),
      raw: errorsOf('raw', (errors) => errors[i]),
    })),
    ended: state.ended!,
    rollbacks: state.rollbacks,
    ...(state.prolonged.length > 0 && { prolonged: state.prolonged }),
    weights: bestWeightsPath(prepared.kind),
    weightsSha256: hashBytes(weights),
    engine: state.engine,
    settings: prepared.settings,
  };
}

/** Removes the files of earlier trainings that are not resumed, starting with the entries in the record. */
function discardEarlier(out: string, { kinds, recordPath, discardsRecord }: PreparedTraining, record: TrainingRecord) {
  if (discardsRecord) {
    if (Object.keys(record.kinds).length > 0) writeJsonAtomic(recordPath, record);
    else rmSync(recordPath, { force: true });
  }
  for (const { kind, discards } of kinds)
    if (discards) for (const name of [CHECKPOINT_NAME, METRICS_NAME]) rmSync(join(out, kind, name), { force: true });
}

/**
 * Trains the networks of a nowcaster on samples, one kind after another, and resumes an interrupted earlier call with the
 * same options. The files in `out` depend only on samples and options, not on interruptions or threads.
 *
 * @throws {@link UsageError} for impossible options.
 * @throws {@link MissingFileError}, {@link CorruptFileError}, {@link SchemaVersionError} for samples or checkpoints
 *   that are missing, truncated, or hold values that are not finite.
 * @throws {@link InsufficientDataError} when a kind has no training or no validation samples.
 * @throws {@link MismatchError} when samples or checkpoints belong to another spec, dataset or settings.
 * @throws {@link EngineUnavailableError} when the engine cannot open.
 * @throws {@link WriteError} when the disk is full; the last checkpoint is kept.
 * @throws {@link WnnError} when training does not stay finite.
 * @throws the signal's reason when it is aborted, after saving a checkpoint.
 */
export async function trainNowcaster(options: TrainOptions): Promise<TrainResult> {
  const preparation = prepareTraining(options);
  const { manifest, datasetHash, spec, kinds, recordPath } = preparation;
  const trained: TrainingRecord['kinds'] = { ...preparation.earlier };
  const withoutTensors = kindsWithoutTensors(manifest);
  const makeRecord = (): TrainingRecord => ({
    schemaVersion: TRAINING_SCHEMA_VERSION,
    toolkitVersion: TOOLKIT_VERSION,
    spec,
    kinds: Object.fromEntries(TRAINED_KINDS.flatMap((kind) => (trained[kind] ? [[kind, trained[kind]]] : []))),
    dataset: {
      sha256: datasetHash,
      cadence: manifest.cadence,
      seed: manifest.seed,
      firstSnapshot: manifest.sampling.firstSnapshot,
      ...(withoutTensors.length > 0 && { withoutTensors }),
      runs: manifest.runs.map(({ id, sha256, split, task, architecture, snapshots, samples }) => ({
        id,
        sha256,
        split,
        task,
        architecture,
        snapshots,
        samples,
      })),
    },
  });
  const results: KindResult[] = [];
  const isDone = kinds.every(({ ended }) => ended);
  const engine =
    isDone || options.openCompute
      ? null
      : await chooseComputeEngine(options.engine ?? 'auto', options.threads, options.adapter);
  const compute = isDone ? null : ((await (options.openCompute ?? engine?.open)?.(spec)) ?? null);
  try {
    // After the engine has opened: a failure to open it must not change anything.
    for (const directory of [options.out, ...kinds.map(({ kind }) => join(options.out, kind))])
      clearLeftovers(directory);
    discardEarlier(options.out, preparation, makeRecord());
    // Says what the best weights so far are of, which an interrupted training leaves.
    if (!existsSync(recordPath)) writeJsonAtomic(recordPath, makeRecord());
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
