// What is in checkpoints before they are imported: the tensors of the first with their kinds, and how many there are. For
// `wnn inspect`.

import { countValues } from '../../trajectory/manifest.js';
import type { TensorSpec } from '../../trajectory/schema.js';
import type { ListedCheckpoint, ListedTensor } from '../importers/importer.js';
import { importers } from '../importers/registry.js';
import { type LeftOut, selectTensors } from './select.js';
import { findSources } from './sources.js';
import { planTensors } from './tensorPlan.js';

/** What a file or directory of checkpoints holds. */
export interface CheckpointListing {
  /** Id of the importer. */
  format: string;
  /** Checkpoints: files of which each is one, or those in a file that is a trajectory by itself. */
  checkpoints: number;
  /** Whether each file is a run by itself. */
  isTrajectory: boolean;
  /** The file that was looked into: the first. */
  file: string;
  /** Its tensors as an import takes them. */
  tensors: TensorSpec[];
  leftOut: LeftOut;
  /** Of files that hold several dictionaries of tensors: the one that was listed, and the others. */
  dictionary: { key: string; others: string[] } | null;
}

/** The values of what may be tied to an embedding, which decides its kind; nothing of all other tensors. */
async function readTiedValues(tensors: readonly ListedTensor[], specs: readonly TensorSpec[]): Promise<Float32Array[]> {
  const sizes = new Set(specs.flatMap(({ kind, shape }) => (kind === 'embedding' ? [countValues(shape)] : [])));
  const values: Float32Array[] = [];
  for (const [i, { kind, shape }] of specs.entries()) {
    const matters = sizes.has(countValues(shape)) && (kind === 'embedding' || kind === 'fc');
    values.push(matters ? await tensors[i].read() : new Float32Array());
  }
  return values;
}

/**
 * Lists the tensors of a checkpoint, or of the first of a directory of them. Nothing is executed, and few values are read.
 *
 * @throws MissingFileError; UsageError for what is no checkpoint; InsufficientDataError for a directory without any;
 *   RefusedFormatError with the line that converts; CorruptFileError.
 */
export async function listCheckpoint(path: string): Promise<CheckpointListing> {
  const sources = findSources([path], { format: 'auto', importers: importers() });
  const [{ importer, path: file }] = sources;
  const fixed = importer.layout === 'open' ? 'auto' : (importer.layout ?? 'keras');
  let first: Pick<CheckpointListing, 'tensors' | 'leftOut' | 'dictionary'> | undefined;
  let checkpoints = 0;
  const take = async (listed: ListedCheckpoint) => {
    checkpoints++;
    if (first !== undefined) return;
    const { tensors, leftOut } = selectTensors(listed, {});
    const plan = (values: readonly Float32Array[]) =>
      planTensors(tensors, values, fixed === 'auto' ? (listed.layout ?? fixed) : fixed, []).map(({ spec }) => spec);
    const nothing = tensors.map(() => new Float32Array());
    const specs = plan(await readTiedValues(tensors, plan(nothing)));
    first = { tensors: specs, leftOut, dictionary: listed.dictionary ?? null };
  };
  await importer.open(file, take, {});
  const { isTrajectory = false, id: format } = importer;
  const none: LeftOut = {
    optimizer: 0,
    notFloat: 0,
    copies: 0,
    elsewhere: 0,
    excluded: [],
    unreadable: [],
    notFinite: [],
  };
  return {
    format,
    checkpoints: isTrajectory ? checkpoints : sources.length,
    isTrajectory,
    file,
    ...(first ?? { tensors: [], leftOut: none, dictionary: null }),
  };
}
