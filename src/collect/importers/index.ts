// Imports trajectories: checkpoints that a training left behind, in Keras, PyTorch or elsewhere, become a run of a store.
// To add a format: a CheckpointReader in a file of its own, its name in checkpoint.ts, its ending in sources.ts.

import { existsSync, mkdirSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { asWriteError } from '../../atomic.js';
import { InsufficientDataError, UsageError } from '../../errors.js';
import type { NoteListener, ProgressListener } from '../../progress.js';
import { countValues, runDirectory } from '../../trajectory/manifest.js';
import { RunWriter } from '../../trajectory/runWriter.js';
import type { RunInfo, RunStatus, TensorKind, TensorSpec } from '../../trajectory/schema.js';
import { allFinite } from '../namedTensors.js';
import type { CheckpointReader, ImportFormat, KernelLayout, LeftOut } from './checkpoint.js';
import { readH5Checkpoint, readKerasCheckpoint } from './keras.js';
import { readKnowTrajectory } from './know.js';
import { readNpzCheckpoint } from './npz.js';
import { type ImportOrder, orderByName } from './order.js';
import { readSafetensorsCheckpoint } from './safetensors.js';
import { alignTensors } from './sameTensors.js';
import { findSources, type Source } from './sources.js';
import { readTfjsCheckpoint } from './tfjs.js';

export { IMPORT_FORMATS, type ImportFormat, type KernelLayout, type LeftOut } from './checkpoint.js';
export { IMPORT_ORDERS, type ImportOrder } from './order.js';
export { PickleError } from './sources.js';

const READERS: Record<ImportFormat, CheckpointReader> = {
  h5: readH5Checkpoint,
  keras: readKerasCheckpoint,
  safetensors: readSafetensorsCheckpoint,
  npz: readNpzCheckpoint,
  tfjs: readTfjsCheckpoint,
  mat: readKnowTrajectory,
};

/** Formats whose files are trajectories by themselves: each becomes a run. */
const TRAJECTORY_FORMATS: ReadonlySet<ImportFormat> = new Set(['mat']);
/** Formats that do not say in which layout their kernels stand. */
const OPEN_LAYOUT_FORMATS: ReadonlySet<ImportFormat> = new Set(['safetensors', 'npz']);

/** Epochs that a window of 5 with a horizon of 5 spans. */
const USUAL_SPAN = 10;

/** Options of {@link importCheckpoints}. */
export interface ImportOptions {
  /** Files and directories: the checkpoints of one run, one an epoch; of format `mat`, each file is a run. */
  sources: readonly string[];
  /** Directory of the trajectory store; created where it is missing. */
  store: string;
  /** Default `auto`: by the names of the files, else by their content. */
  format?: 'auto' | ImportFormat;
  /** Default `number`: by the last whole number in the names that differs from file to file. */
  order?: ImportOrder;
  /**
   * Layout of the kernels in .safetensors and .npz. Default `auto`: PyTorch's where the names are those of a state dict.
   */
  layout?: 'auto' | KernelLayout;
  /** The run's id; of several runs, what their ids begin with. Default: `import-` and the name of the directory or file. */
  id?: string;
  /** What the network learned, e.g. `cifar10`. Default: not known. */
  task?: string;
  /** What the network is called, e.g. `resnet20`. Default: not known. */
  architecture?: string;
  onProgress?: ProgressListener;
  onNote?: NoteListener;
  /** When aborted, the run in hand is dropped and the reason thrown; runs that were finished stay. */
  signal?: AbortSignal;
}

/** One run of {@link ImportResult}. */
export interface ImportedRun {
  id: string;
  directory: string;
  /** `diverged` when a checkpoint held a weight that is not finite: the epochs before it are the run. */
  status: RunStatus;
  reason: string | null;
  epochs: number;
  /** The files in the order of the epochs. */
  files: string[];
  /** How many tensors and how many numbers of each kind a checkpoint has. */
  kinds: Partial<Record<TensorKind, { tensors: number; parameters: number }>>;
  /** Tensors that were brought to the layout [kh, kw, in, out] or [in, out]. */
  converted: number;
  /** Arrays of a checkpoint that are not in the run. */
  leftOut: LeftOut;
}

/** Result of {@link importCheckpoints}. */
export interface ImportResult {
  store: string;
  format: ImportFormat;
  runs: ImportedRun[];
}

/** A run to make. */
interface PlannedImport {
  id: string;
  files: string[];
}

/** Letters, digits, `.`, `_` and `-` of a text. */
const asId = (text: string) => text.replace(/[^A-Za-z0-9._-]+/g, '-').replace(/^[^A-Za-z0-9]+|-+$/g, '');

/** The directory that the checkpoints have in common: of one that holds each in a directory of its own, the outer one. */
function commonDirectory(files: readonly string[]): string {
  let directory = dirname(resolve(files[0]));
  while (!files.every((file) => resolve(file).startsWith(`${directory}/`)) && directory !== dirname(directory))
    directory = dirname(directory);
  return directory;
}

function planImports(sources: Source[], options: ImportOptions): PlannedImport[] {
  const { order = 'number', id, onNote } = options;
  const { format } = sources[0];
  if (TRAJECTORY_FORMATS.has(format)) {
    const ids = sources.map(({ path, name }) => {
      const own = asId(basename(name)) || 'run';
      if (id !== undefined) return sources.length === 1 ? id : `${id}-${own}`;
      return `import-${asId(basename(dirname(resolve(path))))}-${own}`;
    });
    const twice = ids.find((text, i) => ids.indexOf(text) !== i);
    if (twice !== undefined) {
      throw new UsageError({ what: `two runs would be ${twice}`, where: '--id', remedy: 'import them one by one' });
    }
    return sources.map(({ path }, i) => ({ id: ids[i], files: [path] }));
  }
  if (sources.length < 2) {
    throw new InsufficientDataError({
      what: 'one checkpoint is no trajectory',
      where: sources[0].path,
      remedy: 'import the checkpoints of every epoch of a training together',
    });
  }
  const { items, numbers } = orderByName(sources, order);
  const gap = numbers?.findIndex((number, i) => i > 1 && number - numbers[i - 1] !== numbers[1] - numbers[0]) ?? -1;
  if (numbers !== null && gap > 0) {
    onNote?.(
      `the numbers of the checkpoints are not evenly spaced (${numbers[gap - 1]} is followed by ${numbers[gap]}): ` +
        'in the run each is an epoch, the next after the one before',
    );
  }
  const files = items.map(({ path }) => path);
  return [{ id: id ?? `import-${asId(basename(commonDirectory(files))) || 'run'}`, files }];
}

/** What is known of the run before its checkpoints are read. */
function describeRun({ id, files }: PlannedImport, format: ImportFormat, options: ImportOptions): RunInfo {
  return {
    id,
    source: 'import',
    task: options.task ?? null,
    architecture: options.architecture ?? null,
    optimizer: null,
    hyperparameters: {
      format,
      checkpoints: files.length,
      firstCheckpoint: basename(files[0]),
      lastCheckpoint: basename(files[files.length - 1]),
    },
    seed: null,
    engine: null,
    epochsPlanned: null,
  };
}

function countKinds(tensors: readonly TensorSpec[]): ImportedRun['kinds'] {
  const kinds: ImportedRun['kinds'] = {};
  for (const { kind, shape } of tensors) {
    kinds[kind] ??= { tensors: 0, parameters: 0 };
    kinds[kind].tensors++;
    kinds[kind].parameters += countValues(shape);
  }
  return kinds;
}

function noteWhatWasMade({ id, epochs, kinds, converted, leftOut }: ImportedRun, onNote: NoteListener): void {
  if (converted > 0) onNote(`${id}: ${converted} kernels a checkpoint brought from PyTorch's layout to [..., in, out]`);
  if (leftOut.optimizer > 0)
    onNote(`${id}: left out ${leftOut.optimizer} arrays a checkpoint of the optimizer's state`);
  if (leftOut.notFloat > 0) onNote(`${id}: left out ${leftOut.notFloat} arrays a checkpoint that hold no floats`);
  if (!kinds.conv && !kinds.fc && !kinds.bias) onNote(`${id}: holds no kernel and no bias to train a nowcaster on`);
  if (epochs < USUAL_SPAN) onNote(`${id}: ${epochs} epochs; windows of 5 with a horizon of 5 need ${USUAL_SPAN}`);
}

/** Reads the checkpoints of a run into a store of its own. Only one checkpoint is in memory at a time. */
async function recordCheckpoints(
  store: string,
  plan: PlannedImport,
  format: ImportFormat,
  options: ImportOptions,
  onRead: (files: number) => void,
): Promise<Omit<ImportedRun, 'directory'>> {
  const { layout = 'auto', signal } = options;
  let writer: RunWriter | undefined;
  let tensors: TensorSpec[] = [];
  let leftOut: LeftOut = { optimizer: 0, notFloat: 0 };
  let epoch = 0;
  let divergence: string | null = null;
  try {
    reading: for (const [i, path] of plan.files.entries()) {
      for await (const checkpoint of READERS[format](path, { layout })) {
        signal?.throwIfAborted();
        if (writer === undefined) {
          leftOut = checkpoint.leftOut;
          tensors = checkpoint.tensors.map(({ values: _, ...spec }) => spec);
          if (tensors.length === 0) {
            throw new InsufficientDataError({
              what: 'no weights',
              where: path,
              remedy: 'import checkpoints that hold arrays of floats',
            });
          }
        }
        const values = alignTensors(tensors, plan.files[0], checkpoint, path);
        if (!allFinite(values)) {
          divergence = `a weight is not finite in ${basename(path)}`;
          if (epoch > 0) break reading;
          throw new InsufficientDataError({
            what: 'a weight of the first checkpoint is not finite',
            where: path,
            remedy: 'leave it out',
          });
        }
        writer ??= RunWriter.create(store, describeRun(plan, format, options), tensors);
        await writer.append({ epoch: epoch++, values, metrics: {} });
      }
      onRead(i + 1);
    }
    if (writer === undefined) throw new Error(`no checkpoints in ${plan.files.join(', ')}`);
    signal?.throwIfAborted();
    const whole = writer;
    writer = undefined;
    const { status, reason } = await whole.finish(divergence === null ? 'complete' : 'diverged', divergence);
    const converted = tensors.filter((tensor) => tensor.converted !== undefined).length;
    return {
      id: plan.id,
      status,
      reason,
      epochs: epoch,
      files: plan.files,
      kinds: countKinds(tensors),
      converted,
      leftOut,
    };
  } catch (error) {
    writer?.abandon();
    throw error;
  }
}

/** Makes a run beside the store and moves it in when it is whole, so that what fails leaves nothing behind. */
async function importRun(
  plan: PlannedImport,
  format: ImportFormat,
  options: ImportOptions,
  onRead: (files: number) => void,
): Promise<ImportedRun> {
  const { store } = options;
  const directory = runDirectory(store, plan.id);
  const staging = join(store, `.import-${plan.id}`);
  const storeWasThere = existsSync(store);
  try {
    // What an import that was killed left behind.
    rmSync(staging, { recursive: true, force: true });
    mkdirSync(staging, { recursive: true });
  } catch (error) {
    throw asWriteError(error, store);
  }
  try {
    const made = await recordCheckpoints(staging, plan, format, options, onRead);
    options.signal?.throwIfAborted();
    try {
      renameSync(runDirectory(staging, plan.id), directory);
    } catch (error) {
      throw asWriteError(error, directory);
    }
    return { ...made, directory };
  } finally {
    rmSync(staging, { recursive: true, force: true });
    if (!storeWasThere && !existsSync(directory)) removeEmptyDirectory(store);
  }
}

function removeEmptyDirectory(directory: string): void {
  try {
    rmdirSync(directory);
  } catch {
    // Something else has come into it.
  }
}

/**
 * Imports the checkpoints of a training as a run of a trajectory store, source `import`, its epochs numbered from 0 in
 * their order. Files of KNOW (`mat`) are trajectories by themselves and become a run each.
 *
 * The state of optimizers and whatever is not floats is left out and counted. Kernels of PyTorch are brought to Keras's
 * layout and marked `converted`. A run appears in the store when all of it was read, or not at all.
 *
 * @throws {@link UsageError} for sources of several formats, without numbers to order them by, or of an id that is taken;
 *   MissingFileError; CorruptFileError that names the file; MismatchError when the tensors change from file to file, which
 *   names both; PickleError for .pt and its like; {@link InsufficientDataError} for a single checkpoint, or none;
 *   WriteError.
 */
export async function importCheckpoints(options: ImportOptions): Promise<ImportResult> {
  const { store, layout = 'auto', onProgress, onNote } = options;
  const sources = findSources(options.sources, options.format ?? 'auto');
  const { format } = sources[0];
  if (layout === 'torch' && !OPEN_LAYOUT_FORMATS.has(format)) {
    throw new UsageError({
      what: `files of ${format} have Keras's layout`,
      where: '--layout torch',
      remedy: `leave it out, or give ${[...OPEN_LAYOUT_FORMATS].join(' or ')} files`,
    });
  }
  const plans = planImports(sources, options);
  const taken = plans.map(({ id }) => runDirectory(store, id)).find((directory) => existsSync(directory));
  if (taken !== undefined) {
    throw new UsageError({
      what: 'a run of this id is there',
      where: taken,
      remedy: 'choose another with --id, or delete that directory',
    });
  }
  const total = sources.length;
  let before = 0;
  const runs: ImportedRun[] = [];
  for (const plan of plans) {
    const onRead = (files: number) =>
      onProgress?.({ task: 'import', done: before + files, total, unit: 'checkpoints', detail: plan.id });
    const run = await importRun(plan, format, options, onRead);
    before += plan.files.length;
    if (onNote) noteWhatWasMade(run, onNote);
    runs.push(run);
  }
  return { store, format, runs };
}
