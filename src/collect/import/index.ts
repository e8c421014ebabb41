// Imports trajectories: checkpoints that a training left behind, in Keras, PyTorch or elsewhere, become a run of a store.
// In the order of the data: sources.ts finds the checkpoints and recognize.ts their format, order.ts and plan.ts arrange
// them into runs, select.ts chooses the tensors, sameTensors.ts compares them, tensorPlan.ts decides kinds and axes,
// writeRun.ts writes them.

import { UsageError } from '../../errors.js';
import { FUNCTION, listOf, needed, OBJECT, type OptionTypes, requireOptions, TEXT } from '../../optionTypes.js';
import type { NoteListener, ProgressListener } from '../../progress.js';
import { countValues } from '../../trajectory/manifest.js';
import type { TensorSpec } from '../../trajectory/schema.js';
import type { CheckpointImporter, KernelLayout } from '../importers/importer.js';
import { importers } from '../importers/registry.js';
import type { ImportedRun } from './importedRun.js';
import { readMetricsLog } from './metrics.js';
import { noteWhatWasMade } from './notes.js';
import type { ImportOrder } from './order.js';
import { planImports } from './plan.js';
import { findSources } from './sources.js';
import type { GivenKind } from './tensorPlan.js';
import { writeRun } from './writeRun.js';

export type {
  CheckpointImporter,
  FileStart,
  KernelLayout,
  ListedCheckpoint,
  ListedTensor,
} from '../importers/importer.js';
export { RefusedFormatError } from '../importers/refused.js';
export { importers, loadImporterModules, registerImporter } from '../importers/registry.js';
export type { ImportedRun } from './importedRun.js';
export { type CheckpointListing, listCheckpoint } from './list.js';
export { IMPORT_ORDERS, type ImportOrder } from './order.js';
export type { LeftOut } from './select.js';
export { type GivenKind, parseGivenKind } from './tensorPlan.js';

/** Options of {@link importCheckpoints}. */
export interface ImportOptions {
  /** Files and directories: the checkpoints of one run, one an epoch; of format `mat`, each file is a run. */
  sources: readonly string[];
  /** Directory of the trajectory store; created where it is missing. */
  store: string;
  /** Id of an importer. Default `auto`: by the content of the files, else by their names. */
  format?: string;
  /** Pattern of the names of files to take out of directories (`*` any text, `?` any character). Default: all. */
  select?: string;
  /**
   * Default `number`: by the number with a word (epoch, then step, iter, ckpt), else the one that is evenly spaced and
   * agrees with the natural order of the names; where the names tell two orders, that is an error.
   */
  order?: ImportOrder;
  /**
   * Layout of the kernels, where the format does not fix it. Default `auto`: PyTorch's in its own files, and where the names
   * are those of a state dict.
   */
  layout?: 'auto' | KernelLayout;
  /** Which dictionary of tensors to take from files that hold several. Default: the one with the most values. */
  key?: string;
  /** Patterns of tensors to take although a rule leaves them out: averaged copies, the optimizer's arrays. Default: none. */
  include?: readonly string[];
  /** Patterns of tensors to leave out. Default: none. */
  exclude?: readonly string[];
  /** Kinds of tensors by patterns of their names; the last that fits decides. Default: by class, name and rank. */
  kinds?: readonly GivenKind[];
  /** Log of the training's metrics: of Keras's CSVLogger, Lightning's metrics.csv, trainer_state.json. Default: none. */
  metrics?: string;
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

/** The types of {@link ImportOptions}. */
const IMPORT_OPTIONS: OptionTypes<ImportOptions> = {
  sources: needed(listOf(TEXT)),
  store: needed(TEXT),
  format: TEXT,
  select: TEXT,
  order: TEXT,
  layout: TEXT,
  key: TEXT,
  include: listOf(TEXT),
  exclude: listOf(TEXT),
  kinds: listOf(OBJECT),
  metrics: TEXT,
  id: TEXT,
  task: TEXT,
  architecture: TEXT,
  onProgress: FUNCTION,
  onNote: FUNCTION,
  signal: OBJECT,
};

/** Result of {@link importCheckpoints}. */
export interface ImportResult {
  store: string;
  /** Id of the importer. */
  format: string;
  runs: ImportedRun[];
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

/** @throws {@link UsageError} for options that files of this format have no use for. */
function checkOptions(importer: CheckpointImporter, { layout = 'auto', key, metrics }: ImportOptions): void {
  const { id, layout: fixed = 'keras', hasDictionaries = false, isTrajectory = false } = importer;
  const refuse = (what: string, where: string) => {
    throw new UsageError({ what, where, remedy: 'leave it out' });
  };
  if (layout === 'torch' && fixed === 'keras') refuse(`files of ${id} have Keras's layout`, '--layout torch');
  if (key !== undefined && !hasDictionaries) refuse(`files of ${id} hold a single dictionary of tensors`, '--key');
  if (metrics !== undefined && isTrajectory) refuse(`files of ${id} are runs by themselves`, '--metrics');
}

/**
 * Imports the checkpoints of a training as a run of a trajectory store, source `import`, its epochs numbered from 0 in
 * their order. Files of KNOW (`mat`) are trajectories by themselves and become a run each.
 *
 * What is no weight of the network is left out and counted: the state of optimizers, averaged copies, what is not floats or
 * not finite from the start. Kernels of PyTorch are brought to Keras's layout and marked `converted`. A run appears in the
 * store when all of it was read, or not at all. Nothing that a checkpoint holds is executed.
 *
 * @throws {@link UsageError} for sources of several formats, whose names tell no order or two, or of an id that is taken;
 *   MissingFileError; CorruptFileError that names the file; MismatchError when the tensors change from file to file, which
 *   names both; RefusedFormatError for formats that are not read, with the line that converts; InsufficientDataError for a
 *   single checkpoint, none, or without weights; WriteError.
 */
export async function importCheckpoints(options: ImportOptions): Promise<ImportResult> {
  requireOptions('importCheckpoints', options, IMPORT_OPTIONS);
  const { store, layout = 'auto', metrics, signal, onProgress, onNote } = options;
  const { key, include, exclude, kinds = [], task, architecture } = options;
  const { format = 'auto', select } = options;
  const sources = findSources(options.sources, { format, importers: importers(), select, onNote });
  const { importer } = sources[0];
  checkOptions(importer, options);
  const plans = planImports(sources, options);
  const total = plans.reduce((sum, { files }) => sum + files.length, 0);
  const fixedLayout = importer.layout === 'open' ? 'auto' : (importer.layout ?? 'keras');
  let before = 0;
  const runs: ImportedRun[] = [];
  for (const plan of plans) {
    const { tensors, ...written } = await writeRun(store, plan, {
      layout: layout === 'auto' ? fixedLayout : layout,
      kinds,
      key,
      include,
      exclude,
      metrics:
        metrics === undefined
          ? undefined
          : readMetricsLog(metrics, plan.files.length, plan.numbers, plan.label, onNote),
      task,
      architecture,
      signal,
      onRead: (files) =>
        onProgress?.({ task: 'import', done: before + files, total, unit: 'checkpoints', detail: plan.id }),
    });
    const converted = tensors.filter((tensor) => tensor.converted !== undefined).length;
    const run = { ...written, kinds: countKinds(tensors), converted };
    before += plan.files.length;
    if (onNote) noteWhatWasMade(run, onNote);
    runs.push(run);
  }
  return { store, format: importer.id, runs };
}
