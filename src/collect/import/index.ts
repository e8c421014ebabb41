// Imports trajectories: checkpoints that a training left behind, in Keras, PyTorch or elsewhere, become a run of a store.
// In the order of the data: sources.ts finds the checkpoints and recognize.ts their format, order.ts and plan.ts arrange
// them into runs, readCheckpoint.ts reads each, sameTensors.ts compares them, writeRun.ts writes them.

import { existsSync } from 'node:fs';
import { UsageError } from '../../errors.js';
import type { NoteListener, ProgressListener } from '../../progress.js';
import { countValues, runDirectory } from '../../trajectory/manifest.js';
import type { RunStatus, TensorKind, TensorSpec } from '../../trajectory/schema.js';
import type { CheckpointImporter, KernelLayout } from '../importers/importer.js';
import { IMPORTERS } from '../importers/index.js';
import type { ImportOrder } from './order.js';
import { planImports } from './plan.js';
import type { LeftOut } from './readCheckpoint.js';
import { findSources } from './sources.js';
import { writeRun } from './writeRun.js';

export type {
  CheckpointImporter,
  FileStart,
  KernelLayout,
  ListedCheckpoint,
  ListedTensor,
} from '../importers/importer.js';
export { IMPORTERS } from '../importers/index.js';
export { IMPORT_ORDERS, type ImportOrder } from './order.js';
export type { LeftOut } from './readCheckpoint.js';
export { PickleError } from './recognize.js';

/** Epochs that a window of 5 with a horizon of 5 spans. */
const USUAL_SPAN = 10;

/** Options of {@link importCheckpoints}. */
export interface ImportOptions {
  /** Files and directories: the checkpoints of one run, one an epoch; of format `mat`, each file is a run. */
  sources: readonly string[];
  /** Directory of the trajectory store; created where it is missing. */
  store: string;
  /** Id of an importer. Default `auto`: by the content of the files, else by their names. */
  format?: string;
  /** Importers of further formats; they are asked before the toolkit's own. Default: none. */
  importers?: readonly CheckpointImporter[];
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

function noteWhatWasMade({ id, epochs, kinds, converted, leftOut }: ImportedRun, onNote: NoteListener): void {
  if (converted > 0) onNote(`${id}: ${converted} kernels a checkpoint brought from PyTorch's layout to [..., in, out]`);
  if (leftOut.optimizer > 0)
    onNote(`${id}: left out ${leftOut.optimizer} arrays a checkpoint of the optimizer's state`);
  if (leftOut.notFloat > 0) onNote(`${id}: left out ${leftOut.notFloat} arrays a checkpoint that hold no floats`);
  if (!kinds.conv && !kinds.fc && !kinds.bias) onNote(`${id}: holds no kernel and no bias to train a nowcaster on`);
  if (epochs < USUAL_SPAN) onNote(`${id}: ${epochs} epochs; windows of 5 with a horizon of 5 need ${USUAL_SPAN}`);
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
  const { store, layout = 'auto', task, architecture, signal, onProgress, onNote } = options;
  const importers = [...(options.importers ?? []), ...IMPORTERS];
  const sources = findSources(options.sources, options.format ?? 'auto', importers);
  const { importer } = sources[0];
  if (layout === 'torch' && importer.layout !== 'open') {
    const open = importers.filter((other) => other.layout === 'open').map(({ id }) => id);
    throw new UsageError({
      what: `files of ${importer.id} have Keras's layout`,
      where: '--layout torch',
      remedy: `leave it out, or give ${open.join(' or ')} files`,
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
    const { tensors, ...written } = await writeRun(store, plan, {
      layout: importer.layout === 'open' ? layout : 'keras',
      task,
      architecture,
      signal,
      onRead,
    });
    const converted = tensors.filter((tensor) => tensor.converted !== undefined).length;
    const run = { ...written, kinds: countKinds(tensors), converted };
    before += plan.files.length;
    if (onNote) noteWhatWasMade(run, onNote);
    runs.push(run);
  }
  return { store, format: importer.id, runs };
}
