// Makes one run of a store: reads its checkpoints one after the other and writes each as an epoch.

import { existsSync, readFileSync, rmdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { InsufficientDataError, UsageError } from '../../errors.js';
import { discardStaging, openStaging, publishDirectory } from '../../files/directory.js';
import { printableName } from '../../printable.js';
import { DirectRunWriter } from '../../trajectory/directWriter.js';
import { MANIFEST_FILE, runDirectory } from '../../trajectory/manifest.js';
import type { RunInfo, TensorSpec, TensorStatistics } from '../../trajectory/schema.js';
import type {
  KernelLayout,
  ListedCheckpoint,
  ListedTensor,
  OpenOptions,
  TrainingFacts,
} from '../importers/importer.js';
import { allFinite } from '../namedTensors.js';
import type { ImportedRun } from './importedRun.js';
import { cadenceOf } from './order.js';
import type { PlannedImport } from './plan.js';
import { alignTensors } from './sameTensors.js';
import { type LeftOut, type SelectOptions, selectTensors } from './select.js';
import { arrange, type GivenKind, type PlannedTensor, planTensors } from './tensorPlan.js';

/** Options of {@link writeRun}. */
export interface WriteOptions extends SelectOptions {
  layout: 'auto' | KernelLayout;
  /** Kinds that the user gives; the last that fits decides. */
  kinds: readonly GivenKind[];
  /** Which dictionary of tensors to take. Default: the one with the most values in the first checkpoint. */
  key?: string;
  /** Metrics of each checkpoint. Default: none. */
  metrics?: Record<string, number>[];
  task?: string;
  architecture?: string;
  /** When aborted, the run is dropped and the reason thrown. */
  signal?: AbortSignal;
  /** Told how many files were read. */
  onRead(files: number): void;
}

/** A run that was written. */
export interface WrittenRun extends Omit<ImportedRun, 'kinds' | 'converted'> {
  tensors: TensorSpec[];
}

/** A run before it has its place. */
type MadeRun = Omit<WrittenRun, 'directory' | 'written'>;

/** What is known of the run when its first checkpoint is open. */
function describeRun(
  { id, importer, files, numbers, label }: PlannedImport,
  options: WriteOptions,
  { task, architecture, hyperparameters, ...facts }: TrainingFacts,
): RunInfo {
  return {
    id,
    source: 'import',
    task: options.task ?? task ?? null,
    architecture: options.architecture ?? architecture ?? null,
    hyperparameters: {
      format: importer.id,
      checkpoints: files.length,
      firstCheckpoint: basename(files[0]),
      lastCheckpoint: basename(files[files.length - 1]),
      ...hyperparameters,
    },
    optimizer: null,
    seed: null,
    engine: null,
    epochsPlanned: null,
    cadence: cadenceOf({ numbers, label }),
    ...facts,
  };
}

/** Reads one tensor after the other, so that no more than the values of one checkpoint are in memory. */
async function readValues(
  tensors: readonly ListedTensor[],
  use: (values: Float32Array, i: number) => Float32Array = (values) => values,
): Promise<Float32Array[]> {
  const all: Float32Array[] = [];
  for (const [i, tensor] of tensors.entries()) all.push(use(await tensor.read(), i));
  return all;
}

/** Writes the checkpoints of one run, one after the other. The first decides which tensors the run has. */
class RunRecorder {
  readonly #store: string;
  readonly #plan: PlannedImport;
  readonly #options: WriteOptions;
  #writer: DirectRunWriter | undefined;
  #tensors: PlannedTensor[] = [];
  #leftOut: LeftOut | undefined;
  #dictionary: WrittenRun['dictionary'] = null;
  #snapshots = 0;
  /** Number of the last snapshot. */
  #last = -1;
  #divergence: string | null = null;
  #interruption: string | null = null;

  constructor(store: string, plan: PlannedImport, options: WriteOptions) {
    this.#store = store;
    this.#plan = plan;
    this.#options = options;
  }

  /** Whether a checkpoint was not finite: nothing is read after it. */
  get hasEnded(): boolean {
    return this.#divergence !== null;
  }

  /** Which dictionary of tensors to take from the next file: that which the first one's was. */
  get openOptions(): OpenOptions {
    const { key } = this.#options;
    if (key !== undefined || this.#dictionary === null) return { key };
    return { key: this.#dictionary.key, keyOf: this.#plan.files[0] };
  }

  async add(path: string, listed: ListedCheckpoint): Promise<void> {
    this.#options.signal?.throwIfAborted();
    if (this.hasEnded) return;
    this.#interruption = listed.interruption ?? null;
    const { tensors, leftOut } = selectTensors(listed, this.#options);
    const values =
      this.#writer === undefined ? await this.#begin(path, listed, tensors, leftOut) : await this.#next(path, tensors);
    if (values === null) return;
    const metrics = listed.metrics ?? this.#options.metrics?.[this.#snapshots] ?? {};
    this.#last = listed.snapshot ?? this.#last + 1;
    const statistics =
      listed.statistics && this.#tensors.map(({ spec }) => listed.statistics?.get(spec.name) as TensorStatistics);
    await this.#writer?.append({ epoch: this.#last, values, statistics, metrics });
    this.#snapshots++;
  }

  async #begin(
    path: string,
    { dictionary, layout: known, training = {} }: ListedCheckpoint,
    tensors: ListedTensor[],
    leftOut: LeftOut,
  ): Promise<Float32Array[]> {
    const values = await readValues(tensors);
    const kept = tensors.flatMap((_, i) => (allFinite([values[i]]) ? [i] : []));
    leftOut.notFinite = tensors.flatMap(({ name }, i) => (kept.includes(i) ? [] : [name]));
    const held = kept.map((i) => tensors[i]);
    if (!held.some(({ shape }) => shape.length > 0)) throw noWeights(path, leftOut);
    const { layout, kinds } = this.#options;
    const finite = kept.map((i) => values[i]);
    this.#tensors = planTensors(held, finite, layout === 'auto' ? (known ?? layout) : layout, kinds);
    this.#leftOut = leftOut;
    this.#dictionary = dictionary ?? null;
    const specs = this.#tensors.map(({ spec }) => spec);
    const info = describeRun(this.#plan, this.#options, training);
    const positions = new Map(
      this.#tensors.flatMap(({ spec, sample }) => (sample ? [[spec.name, sample.positions]] : [])),
    );
    const isSampled = training.scalarsPerTensor !== undefined;
    this.#writer = new DirectRunWriter(this.#store, info, specs, isSampled ? positions : undefined);
    return finite.map((array, i) => arrange(this.#tensors[i], array));
  }

  /** @returns null for a checkpoint that is not finite, which ends the run. */
  async #next(path: string, tensors: ListedTensor[]): Promise<Float32Array[] | null> {
    const first = this.#tensors.map(({ spec, shape }) => ({ name: spec.name, shape }));
    const ignored = new Set(this.#leftOut?.notFinite);
    const aligned = alignTensors(first, this.#plan.files[0], tensors, path, ignored);
    const values = await readValues(aligned, (array, i) => arrange(this.#tensors[i], array));
    if (allFinite(values)) return values;
    const which = first[values.findIndex((array) => !allFinite([array]))];
    this.#divergence = `a weight is not finite in ${basename(path)}: ${printableName(which.name)}`;
    return null;
  }

  async finish(): Promise<MadeRun> {
    const writer = this.#writer;
    const leftOut = this.#leftOut;
    if (writer === undefined || leftOut === undefined) throw noCheckpoints(this.#plan.files);
    this.#writer = undefined;
    const [divergence, interruption] = [this.#divergence, this.#interruption];
    const ending = divergence !== null ? 'diverged' : interruption !== null ? 'interrupted' : 'complete';
    const { status, reason } = await writer.finish(ending, divergence ?? interruption);
    return {
      id: this.#plan.id,
      status,
      reason,
      snapshots: this.#snapshots,
      files: this.#plan.files,
      tensors: this.#tensors.map(({ spec }) => spec),
      leftOut,
      dictionary: this.#dictionary,
    };
  }

  async abandon(): Promise<void> {
    await this.#writer?.abandon();
  }
}

function noCheckpoints(files: readonly string[]): InsufficientDataError {
  return new InsufficientDataError({
    what: 'no checkpoints',
    where: files.join(', '),
    remedy: 'import files that hold some',
  });
}

function noWeights(path: string, leftOut: LeftOut): InsufficientDataError {
  const { notFinite, unreadable } = leftOut;
  const what =
    notFinite.length > 0
      ? `no weights: ${notFinite.slice(0, 3).join(', ')} of the first checkpoint is not finite`
      : unreadable.length > 0
        ? `no weights that can be read: ${unreadable.slice(0, 3).join(', ')}`
        : 'no weights';
  return new InsufficientDataError({
    what: printableName(what),
    where: path,
    remedy: 'import checkpoints that hold arrays of floats of rank 1 or more',
  });
}

/** Reads the checkpoints of a run into a store of its own. */
async function recordCheckpoints(store: string, plan: PlannedImport, options: WriteOptions): Promise<MadeRun> {
  const recorder = new RunRecorder(store, plan, options);
  try {
    for (const [i, path] of plan.files.entries()) {
      await plan.importer.open(path, (listed) => recorder.add(path, listed), recorder.openOptions);
      if (recorder.hasEnded) break;
      options.onRead(i + 1);
    }
    options.signal?.throwIfAborted();
    return await recorder.finish();
  } catch (error) {
    await recorder.abandon();
    throw error;
  }
}

/**
 * Makes a run beside the store and moves it in when it is whole, so that what fails leaves nothing behind.
 *
 * @throws {@link UsageError} when another run of the id is there; the errors of the importer; MismatchError when the tensors change from file to file;
 *   {@link InsufficientDataError} for checkpoints without weights; WriteError.
 */
export async function writeRun(store: string, plan: PlannedImport, options: WriteOptions): Promise<WrittenRun> {
  const directory = runDirectory(store, plan.id);
  const storeWasThere = existsSync(store);
  const staging = openStaging(join(store, `.import-${plan.id}`));
  try {
    const made = await recordCheckpoints(staging.directory, plan, options);
    options.signal?.throwIfAborted();
    const whole = runDirectory(staging.directory, plan.id);
    if (isSameRun(whole, directory)) return { ...made, directory, written: false };
    publishDirectory({ ...staging, directory: whole, path: directory }, () => {
      // Another process may have imported the same in between; then either's run may stay.
      if (!isSameRun(whole, directory)) throw isTaken(directory);
    });
    return { ...made, directory, written: true };
  } finally {
    discardStaging(staging);
    if (!storeWasThere && !existsSync(directory)) removeEmptyDirectory(store);
  }
}

/** Whether a run is there with the same content: its manifest has the checksums of all its files. */
function isSameRun(made: string, directory: string): boolean {
  const read = (run: string) => readFileSync(join(run, MANIFEST_FILE), 'utf8');
  return existsSync(join(directory, MANIFEST_FILE)) && read(made) === read(directory);
}

function isTaken(directory: string): UsageError {
  return new UsageError({
    what: 'another run of this id is there',
    where: directory,
    remedy: 'choose another with --id, or delete that directory',
  });
}

function removeEmptyDirectory(directory: string): void {
  try {
    rmdirSync(directory);
  } catch {
    // Something else has come into it.
  }
}
