// TrajectoryRecorder: a callback that records the weights of a training to a store with RunWriter. It does not change the
// training.

import { mkdirSync } from 'node:fs';
import type * as tf from '@tensorflow/tfjs-core';
import type * as tfl from '@tensorflow/tfjs-layers';
import { asWriteError } from '../atomic.js';
import { FitCallback } from '../callback/fitCallback.js';
import { UsageError } from '../errors.js';
import type { NowcastSchedule } from '../nowcaster/schedule.js';
import { NUMBER, needed, OBJECT, type OptionTypes, objectOf, requireOptions, TEXT } from '../optionTypes.js';
import {
  describeCadence,
  EVERY_EPOCH,
  isSnapshotDue,
  requireCadence,
  type SnapshotCadence,
  sameCadence,
} from '../trajectory/cadence.js';
import { runDirectory } from '../trajectory/manifest.js';
import { RunWriter } from '../trajectory/runWriter.js';
import { requireScalarsPerTensor } from '../trajectory/sampling.js';
import type { OptimizerInfo, RunInfo, RunManifest, RunStatus } from '../trajectory/schema.js';
import { allFinite, describeTensors, type Network, readValues } from './namedTensors.js';
import { type NetworkSample, TensorSampler } from './tensorSampler.js';

/** Options of {@link TrajectoryRecorder}. All but `store` describe the run for its manifest and change nothing else. */
export interface TrajectoryRecorderOptions {
  /** Directory of the trajectory store; created where it is missing. */
  store: string;
  /**
   * The run's id, unique in the store: letters, digits, `.`, `_`, `-`. A finished id is refused; an
   * interrupted one is recorded again. Default: `<architecture or name of the model>-<first free number>`.
   */
  id?: string;
  /** What the network learns, e.g. `mnist`. Default: not known. */
  task?: string;
  /** What the network is called, e.g. `lenet`. Default: not known. */
  architecture?: string;
  /** The optimizer and its settings, e.g. `{ name: 'adam', learningRate: 0.001 }`. Default: not known. */
  optimizer?: OptimizerInfo;
  /** Further settings to record: batch size, number of examples, ... Default: none. */
  hyperparameters?: RunInfo['hyperparameters'];
  /** Seed of the training. Default: not known. */
  seed?: number;
  /** Compute engine. Default: not known. */
  engine?: string;
  /** Where the run comes from. Default `callback`. */
  source?: RunInfo['source'];
  /** Steps (batches) of an epoch. Default: not known. */
  stepsPerEpoch?: number;
  /**
   * Records only so many scalars of each tensor that has more, at least 1: a random choice by `seed` (0 without one) and the
   * tensor's name, the same in all snapshots. Beside them stand mean and root mean square of the whole tensor's values and of
   * their changes from the snapshot before, for which the recorder holds a copy of the network. Default: all scalars.
   */
  scalarsPerTensor?: number;
  /** Planned number of epochs. Default: that of `fit`, or open-ended. */
  epochsPlanned?: number;
  /**
   * The callback that nowcasts in the same training; pass it to `fit` after the recorder. Snapshots are taken when it takes
   * them, and no sample will span one of its nowcasts. Default: none.
   */
  nowcasting?: NowcastSchedule & { readonly cadence?: SnapshotCadence };
  /**
   * When `fit` takes snapshots, e.g. `{ unit: 'step', every: 100 }`; only recorded, in a custom loop. Default: that of
   * `nowcasting`, else at the end of each epoch.
   */
  cadence?: SnapshotCadence;
}

/** The types of {@link TrajectoryRecorderOptions}. */
const RECORDER_OPTIONS: OptionTypes<TrajectoryRecorderOptions> = {
  store: needed(TEXT),
  id: TEXT,
  task: TEXT,
  architecture: TEXT,
  optimizer: objectOf('name', 'learningRate'),
  hyperparameters: OBJECT,
  seed: NUMBER,
  engine: TEXT,
  source: TEXT,
  stepsPerEpoch: NUMBER,
  scalarsPerTensor: NUMBER,
  epochsPlanned: NUMBER,
  nowcasting: OBJECT,
  cadence: objectOf('unit', 'every'),
};

/** Entries of tfjs's logs that are not metrics of the training. */
const NOT_METRICS = new Set(['batch', 'size', 'epoch']);

/**
 * Records a network's weights during training into a trajectory store, by default one snapshot per epoch.
 *
 *     const recorder = new TrajectoryRecorder({ store: 'data/mine', architecture: 'my-net' });
 *     await model.fit(x, y, { epochs: 20, callbacks: [recorder] });
 *
 * In a custom loop, or for networks that are not tfjs-layers models:
 *
 *     for (...) { ...; await recorder.snapshot(model, { loss }); }
 *     await recorder.finish();
 *
 * Each snapshot is passed to the operating system before training continues. Once the loss or a weight is NaN or infinite,
 * recording stops: the run ends as `diverged` with the epochs before. A recorder without an id can be used for a second
 * training, which becomes a second run.
 */
export class TrajectoryRecorder extends FitCallback {
  readonly #options: TrajectoryRecorderOptions;
  #network: tfl.LayersModel | undefined;
  #epochsOfFit: number | undefined;
  #writer: RunWriter | undefined;
  #sampler: TensorSampler | undefined;
  #snapshots = 0;
  #ended = { epoch: 0, step: 0 };
  #divergence: string | undefined;
  #seconds = 0;

  /** @throws UsageError for an impossible id, cadence or number of scalars, and for nowcasts with another cadence. */
  constructor(options: TrajectoryRecorderOptions) {
    super();
    requireOptions('TrajectoryRecorder', options, RECORDER_OPTIONS);
    this.#options = options;
    if (options.id !== undefined) runDirectory(options.store, options.id);
    const { scalarsPerTensor } = options;
    if (scalarsPerTensor !== undefined) requireScalarsPerTensor(scalarsPerTensor, 'scalarsPerTensor of the recorder');
    const { cadence, nowcasting } = options;
    if (cadence === undefined) return;
    requireCadence(cadence, 'cadence of the recorder');
    const theirs = nowcasting && (nowcasting.cadence ?? EVERY_EPOCH);
    if (theirs === undefined || sameCadence(cadence, theirs)) return;
    throw new UsageError({
      what: `another cadence than that of nowcasting, a snapshot ${describeCadence(theirs)}`,
      where: `snapshots ${describeCadence(cadence)}`,
      remedy: 'leave the cadence out',
    });
  }

  /** Known from the begin of the training on: that of nowcasting may depend on its length. */
  get #cadence(): SnapshotCadence {
    const { cadence, nowcasting } = this.#options;
    const { unit, every } = cadence ?? nowcasting?.cadence ?? EVERY_EPOCH;
    return { unit, every };
  }

  /** The directory of the run that is being recorded; undefined before its first snapshot and after its end. */
  get directory(): string | undefined {
    return this.#writer?.directory;
  }

  /** Why recording stopped; undefined while all values are finite. */
  get divergence(): string | undefined {
    return this.#divergence;
  }

  /** Seconds spent on recording so far, including the conversion to Parquet. */
  get seconds(): number {
    return this.#seconds;
  }

  /**
   * Records the current weights. The first call of a run determines its tensors.
   *
   * @param network a tfjs-layers model, or tensors by name.
   * @param metrics metrics of the epoch: loss, accuracy, ... `loss` that is not finite ends the recording.
   * @returns whether it was recorded: not when the run has diverged.
   * @throws WriteError when the disk is full, what was recorded before stays readable; MismatchError when the network's
   *   tensors changed; UsageError when a run of this id is finished.
   */
  async snapshot(network: Network, metrics: Record<string, number> = {}): Promise<boolean> {
    if (this.#divergence !== undefined) return false;
    const begin = performance.now();
    try {
      this.#writer ??= this.#open(network);
      const epoch = this.#snapshots++;
      const { values, statistics } = await this.#read(network);
      const unit = sameCadence(this.#cadence, EVERY_EPOCH) ? 'epoch' : 'snapshot';
      if (metrics.loss !== undefined && !Number.isFinite(metrics.loss)) {
        this.#divergence = `loss is ${metrics.loss} at ${unit} ${epoch}`;
      } else if (!(statistics?.every(({ rms }) => Number.isFinite(rms)) ?? allFinite(values))) {
        this.#divergence = `a weight is not finite at ${unit} ${epoch}`;
      } else {
        await this.#writer.append({ epoch, values, statistics, metrics });
      }
      return this.#divergence === undefined;
    } finally {
      this.#seconds += (performance.now() - begin) / 1000;
    }
  }

  /**
   * Ends the run and converts it to Parquet. `fit` calls it at its end; call it when `fit` has thrown, and after a custom
   * loop.
   *
   * @param status `complete` unless given; a run whose divergence the recorder saw is `diverged` in any case.
   * @param reason why, where it is not complete.
   * @returns the run's manifest; null when nothing was recorded.
   * @throws WriteError when the disk is full; what was recorded stays readable.
   */
  async finish(
    status: Exclude<RunStatus, 'recording'> = 'complete',
    reason: string | null = null,
  ): Promise<RunManifest | null> {
    const writer = this.#writer;
    const divergence = this.#divergence;
    this.#writer = undefined;
    this.#sampler?.dispose();
    this.#sampler = undefined;
    this.#divergence = undefined;
    this.#snapshots = 0;
    this.#ended = { epoch: 0, step: 0 };
    if (writer === undefined) return null;
    const begin = performance.now();
    try {
      return await (divergence === undefined ? writer.finish(status, reason) : writer.finish('diverged', divergence));
    } finally {
      this.#seconds += (performance.now() - begin) / 1000;
    }
  }

  async #read(network: Network): Promise<Omit<NetworkSample, 'statistics'> & Partial<NetworkSample>> {
    return this.#sampler?.read(network) ?? { values: await readValues(network) };
  }

  #open(network: Network): RunWriter {
    const options = this.#options;
    const { nowcasting, scalarsPerTensor, stepsPerEpoch } = options;
    const name = options.architecture ?? (this.#network ?? (network as { name?: unknown })).name;
    const info: RunInfo = {
      id: options.id ?? claimId(options.store, typeof name === 'string' ? name : 'run'),
      source: options.source ?? 'callback',
      task: options.task ?? null,
      architecture: options.architecture ?? null,
      optimizer: options.optimizer ?? null,
      hyperparameters: options.hyperparameters ?? {},
      seed: options.seed ?? null,
      engine: options.engine ?? null,
      epochsPlanned: options.epochsPlanned ?? this.#epochsOfFit ?? null,
      cadence: this.#cadence,
      ...(stepsPerEpoch !== undefined && { stepsPerEpoch }),
      ...(scalarsPerTensor !== undefined && { scalarsPerTensor }),
      ...(nowcasting !== undefined && { nowcasts: { period: nowcasting.period, start: nowcasting.start } }),
    };
    if (scalarsPerTensor === undefined) return RunWriter.create(options.store, info, describeTensors(network));
    this.#sampler = new TensorSampler(network, { scalarsPerTensor, seed: options.seed ?? 0 });
    return RunWriter.create(options.store, info, this.#sampler.tensors, {}, this.#sampler.positions);
  }

  override setParams(params: Parameters<tfl.Callback['setParams']>[0]): void {
    super.setParams(params);
    this.#epochsOfFit = typeof params.epochs === 'number' ? params.epochs : undefined;
  }

  override setModel(model: tfl.LayersModel): void {
    super.setModel(model);
    this.#network = model;
  }

  override async onTrainBegin(): Promise<void> {
    await this.finish('interrupted', 'another training began');
  }

  /**
   * Opens the run, so that a store that cannot be written is found before hours of training; once all callbacks have begun, since
   * the cadence may be that of another.
   */
  override async onEpochBegin(): Promise<void> {
    this.#writer ??= this.#open(this.#requireNetwork());
  }

  override async onBatchEnd(_batch: number, logs?: tfl.Logs): Promise<void> {
    await this.#end('step', logs);
  }

  override async onEpochEnd(_epoch: number, logs?: tfl.Logs): Promise<void> {
    await this.#end('epoch', logs);
  }

  async #end(unit: SnapshotCadence['unit'], logs?: tfl.Logs): Promise<void> {
    if (isSnapshotDue(this.#cadence, unit, ++this.#ended[unit]))
      await this.snapshot(this.#requireNetwork(), await readMetrics(logs));
  }

  override async onTrainEnd(): Promise<void> {
    await this.finish();
  }

  #requireNetwork(): tfl.LayersModel {
    if (this.#network === undefined) throw new Error('a callback without a model');
    return this.#network;
  }
}

/** Reads metrics that tfjs passes as scalar tensors, without disposing of them. */
async function readMetrics(logs: tfl.Logs = {}): Promise<Record<string, number>> {
  const metrics: Record<string, number> = {};
  for (const [name, value] of Object.entries(logs as Record<string, number | tf.Scalar>)) {
    if (NOT_METRICS.has(name)) continue;
    metrics[name] = typeof value === 'number' ? value : (await value.data())[0];
  }
  return metrics;
}

/** Claims the first free `<name>-<number>` of a store by creating its directory. */
function claimId(store: string, name: string): string {
  const stem = name.replace(/[^A-Za-z0-9._-]+/g, '-').replace(/^[^A-Za-z0-9]+/, '') || 'run';
  try {
    mkdirSync(store, { recursive: true });
    for (let number = 0; ; number++) {
      const id = `${stem}-${String(number).padStart(4, '0')}`;
      try {
        mkdirSync(runDirectory(store, id));
        return id;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
    }
  } catch (error) {
    throw asWriteError(error, store);
  }
}
