// Selects the runs of the stores and their tensors. Reads manifests only.

import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InsufficientDataError, MismatchError, UsageError } from '../errors.js';
import type { NowcastSchedule } from '../nowcaster/schedule.js';
import { spanOf, type TrainedKind } from '../nowcaster/spec.js';
import type { NoteListener } from '../progress.js';
import { describeCadence, type SnapshotCadence, sameCadence, thinning } from '../trajectory/cadence.js';
import { tensorKind } from '../trajectory/kind.js';
import { countValues, MANIFEST_FILE } from '../trajectory/manifest.js';
import { LOG_FILE, listRuns, type RunEntry } from '../trajectory/runReader.js';
import type { RunManifest, RunStatus, TensorSpec } from '../trajectory/schema.js';
import type { DatasetSettings } from './options.js';

/** A tensor from which samples are extracted. */
export interface SourceTensor {
  name: string;
  kind: TrainedKind;
  /** In the network. */
  shape: number[];
  /** Number of recorded scalars. */
  size: number;
  /** Whether these are only some of the tensor's scalars. */
  sampled: boolean;
}

/** A run from which samples are extracted. */
export interface UsableRun {
  id: string;
  directory: string;
  task: string | null;
  architecture: string | null;
  /** Whether the run must be searched for values that are not finite; snapshots from there on are dropped. */
  diverged: boolean;
  /** Snapshots from the first that is used on, according to the manifest; the files may hold fewer. */
  snapshots: number;
  /** When its snapshots were taken. */
  cadence: SnapshotCadence;
  /** Every which of them is used: those whose number plus one is a multiple of it. */
  keepEvery: number;
  /** When the run was nowcast; absent when it was not. */
  nowcasts?: NowcastSchedule;
  /** Scalars that the run has of each larger tensor; absent where it has all. */
  scalarsPerTensor?: number;
  tensors: SourceTensor[];
}

function isUsable(status: RunStatus, includeInterrupted: boolean): boolean {
  switch (status) {
    case 'complete':
    case 'diverged':
      return true;
    case 'interrupted':
    case 'recording':
      return includeInterrupted;
    case 'failed':
      return false;
    default:
      return status satisfies never;
  }
}

/** The kind as which a tensor is drawn from; null: not at all. */
function trainedKind({ name, kind, shape }: TensorSpec, kinds: readonly TrainedKind[]): TrainedKind | null {
  // Python packages of before there were `statistics` recorded them as `norm`.
  if (kind === 'norm' && tensorKind(name, shape) === 'statistics') return null;
  return kinds.find((wanted) => wanted === kind) ?? null;
}

/**
 * The usable runs, ordered by id. Runs that are too short for a window are skipped with a note.
 *
 * @throws MissingFileError when a store does not exist, and the errors of reading its manifests.
 * @throws {@link UsageError} when two runs have the same id.
 * @throws {@link MismatchError} when snapshots were taken at different cadences.
 * @throws {@link InsufficientDataError} when no run is left.
 */
export function findRuns(settings: DatasetSettings, onNote: NoteListener): UsableRun[] {
  const { stores, firstSnapshot, includeInterrupted, kinds, resample } = settings;
  const span = spanOf(settings);
  const all: RunEntry[] = stores.flatMap((store) => listRuns(store));
  const where = stores.join(', ');
  const chosen = all.filter(({ manifest }) => isUsable(manifest.status, includeInterrupted));
  if (all.length === 0)
    throw new InsufficientDataError({
      what: 'no trajectory store',
      where,
      remedy: 'give a directory that `wnn collect` or a recorder wrote',
    });
  if (chosen.length === 0)
    throw new InsufficientDataError({
      what: `no complete run (${countStatuses(all)})`,
      where,
      remedy: 'record some with `wnn collect`, or use interrupted ones with --include-interrupted',
    });
  const runs: UsableRun[] = [];
  const directories = new Map<string, string>();
  let longest = 0;
  for (const { directory, manifest } of chosen) {
    const { id, task, architecture, status, snapshotsRecorded, cadence, nowcasts, scalarsPerTensor } = manifest;
    const other = directories.get(id);
    if (other !== undefined)
      throw new UsageError({
        what: `two runs named ${id}`,
        where: `${other} and ${directory}`,
        remedy: 'give only one of them',
      });
    directories.set(id, directory);
    const keepEvery = resample === null ? 1 : requireThinning(directory, manifest, resample);
    const snapshots = Math.max(0, Math.floor(snapshotsRecorded / keepEvery) - firstSnapshot);
    longest = Math.max(longest, snapshots);
    const tensors = manifest.tensors.flatMap((tensor) => {
      const kind = trainedKind(tensor, kinds);
      const size = countValues(tensor.shape);
      if (kind === null || size === 0) return [];
      const { name, shape, sampledFrom } = tensor;
      return [{ name, kind, shape: sampledFrom ?? shape, size, sampled: sampledFrom !== undefined }];
    });
    if (snapshots >= span && tensors.length > 0)
      runs.push({
        id,
        directory,
        task,
        architecture,
        diverged: status === 'diverged',
        snapshots,
        cadence,
        keepEvery,
        nowcasts,
        scalarsPerTensor,
        tensors,
      });
  }
  if (runs.length === 0)
    throw new InsufficientDataError({
      what: `runs have at most ${longest} usable snapshots, a window and its future need ${span}`,
      where,
      remedy: `record runs of at least ${span + firstSnapshot} snapshots, or lower --input-length or --horizon`,
    });
  if (runs.length < chosen.length)
    onNote(
      `${chosen.length - runs.length} of ${chosen.length} runs skipped: fewer than ${span} snapshots or no tensors of the kinds wanted`,
    );
  if (resample === null) requireOneCadence(runs);
  return runs.sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** @throws {@link MismatchError} when the run's snapshots do not contain those of the cadence wanted. */
function requireThinning(directory: string, { cadence, stepsPerEpoch }: RunManifest, wanted: SnapshotCadence): number {
  const every = thinning(cadence, wanted, stepsPerEpoch);
  if (typeof every === 'number') return every;
  throw new MismatchError({
    what: `cannot resample snapshots ${describeCadence(cadence)} to ${describeCadence(wanted)}: ${every}`,
    where: directory,
    remedy: 'choose a multiple of its cadence, or keep the run in a separate store',
  });
}

/** Windows of epochs and windows of steps cannot be mixed in one dataset. */
function requireOneCadence([first, ...others]: readonly UsableRun[]): void {
  const other = others.find(({ cadence }) => !sameCadence(cadence, first.cadence));
  if (other === undefined) return;
  throw new MismatchError({
    what: `snapshots ${describeCadence(first.cadence)} and ${describeCadence(other.cadence)}`,
    where: `${first.directory} and ${other.directory}`,
    remedy: 'build from runs of one cadence, or --resample to one that is a multiple of all',
  });
}

function countStatuses(runs: readonly RunEntry[]): string {
  const counts = new Map<string, number>();
  for (const { manifest } of runs) counts.set(manifest.status, (counts.get(manifest.status) ?? 0) + 1);
  return [...counts].map(([status, count]) => `${count} ${status}`).join(', ');
}

/** SHA-256 of a run's manifest, which holds the checksums of its files, and of its log if there is one. */
export async function hashRun(directory: string): Promise<string> {
  const hash = createHash('sha256');
  hash.update(await readFile(join(directory, MANIFEST_FILE)));
  const log = join(directory, LOG_FILE);
  if (existsSync(log)) for await (const chunk of createReadStream(log)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
