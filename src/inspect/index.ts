// Says what a file or directory of the toolkit is. Reads manifests and metrics, never bulk data; writes nothing.

import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { loadNowcaster } from '../callback/node.js';
import { CorruptFileError, InsufficientDataError, MismatchError, MissingFileError, UsageError } from '../errors.js';
import { readContent, readRunRecords, runsDirectory } from '../evaluation/files.js';
import { type ReportState, reportState } from '../evaluation/reportFile.js';
import { type EvaluationResults, RESULTS_NAME, type RunRecord } from '../evaluation/schema.js';
import { settleDirectory } from '../files/directory.js';
import { readJsonFile } from '../formats/json.js';
import { checkTrainingRecord } from '../nowcaster/checkTraining.js';
import { NOWCASTER_MANIFEST_NAME, type NowcasterManifest } from '../nowcaster/nowcaster.js';
import { checkProvenance } from '../nowcaster/provenance.js';
import { TRAINED_KINDS, type TrainedKind } from '../nowcaster/spec.js';
import { bestWeightsPath, TRAINING_RECORD_NAME, type TrainingRecord } from '../nowcaster/trainingRecord.js';
import { decodeWeights, type NetworkWeights } from '../nowcaster/weightsFile.js';
import { DATASET_MANIFEST, type DatasetManifest, readDatasetManifest } from '../samples/index.js';
import { MANIFEST_FILE, RUN_PREFIX } from '../trajectory/manifest.js';
import { listRuns, readManifest } from '../trajectory/runReader.js';
import type { RunManifest, RunStatus, TensorSpec } from '../trajectory/schema.js';
import { measureBytes, type RunSummary, summarizeRun } from './runs.js';

export type { RunSummary } from './runs.js';

/** What a path is. `bytes` is the size of all its files. */
export type Inspection = { path: string; bytes: number } & (
  | { type: 'store'; runs: RunSummary[]; counts: Partial<Record<RunStatus, number>>; snapshots: number }
  | { type: 'run'; run: RunSummary; manifest: RunManifest }
  | { type: 'samples'; manifest: DatasetManifest }
  /** `unfinished`: kinds whose training has not ended but has weights, the best so far. */
  | { type: 'training'; record: TrainingRecord; unfinished: TrainedKind[] }
  | { type: 'nowcaster'; manifest: NowcasterManifest }
  | { type: 'evaluation'; results: EvaluationResults; report: ReportState }
  /** An evaluation that was interrupted: its finished runs. */
  | { type: 'unfinished evaluation'; runs: Pick<RunRecord, 'id' | 'task' | 'method' | 'seed' | 'status'>[] }
  /** The weights of one network: .h5 or .safetensors. */
  | { type: 'weights'; spec: NetworkWeights['spec']; parameters: number }
  /** Checkpoints of a training elsewhere, which `wnn collect import` takes. */
  | { type: 'checkpoint'; checkpoint: Checkpoint }
  /** A directory with some of the above in it, e.g. that of `wnn run`. */
  | { type: 'directory'; parts: Inspection[] }
);

/** What is known of checkpoints without importing them. Where it comes from may know more. */
export interface Checkpoint {
  /** Id of the importer. */
  format: string;
  /** How many there are. */
  checkpoints: number;
  /** Whether each file is a run by itself. */
  isTrajectory: boolean;
  /** The file that was looked into: the first. */
  file: string;
  /** Its tensors as an import takes them. */
  tensors: readonly TensorSpec[];
  /** Numbers of arrays that it leaves out. */
  leftOut: { optimizer: number; notFloat: number; copies: number; elsewhere: number; unreadable: readonly string[] };
  /** Of files that hold several dictionaries of tensors: the one that was listed, and the others. */
  dictionary: { key: string; others: readonly string[] } | null;
}

/** Options of {@link inspectPath}. */
export interface InspectOptions {
  /** Lists the tensors of checkpoints, in a file or a directory. Default: checkpoints are not looked into. */
  listCheckpoint?(path: string): Promise<Checkpoint>;
  /** Reads an h5 file of a nowcaster network. Default: h5 files are not looked into. */
  readH5?(path: string): Promise<NetworkWeights>;
}

/**
 * Says what a path is. A file that is a part of something is taken for the whole: `run.json` for its run, a shard for its
 * samples.
 *
 * @throws {@link MissingFileError} when there is nothing; {@link UsageError} when it is nothing of this toolkit; what
 *   `listCheckpoint` throws for a checkpoint of a format that is not read;
 *   CorruptFileError or SchemaVersionError when it is damaged or of another version.
 */
export async function inspectPath(path: string, options: InspectOptions = {}): Promise<Inspection> {
  settleDirectory(path);
  if (!existsSync(path)) throw new MissingFileError({ what: 'nothing there', where: path, remedy: 'check the path' });
  if (statSync(path).isDirectory()) {
    const found = await inspectDirectory(path, options);
    if (found !== undefined) return found;
  } else {
    const whole = findWhole(path);
    const found = whole && (await inspectDirectory(whole, options));
    if (found) return found;
    const weights = await readWeights(path, options);
    if (weights) {
      const { spec, parameters } = weights;
      return { type: 'weights', path, bytes: measureBytes(path), spec, parameters: parameters.length };
    }
  }
  const checkpoint = await findCheckpoint(path, options);
  if (checkpoint !== undefined) return { type: 'checkpoint', path, bytes: measureBytes(path), checkpoint };
  throw new UsageError({
    what: options.listCheckpoint
      ? 'nothing of this toolkit, and no checkpoint that it reads'
      : 'nothing of this toolkit',
    where: path,
    remedy:
      'name a trajectory store, a run, samples, a training, a nowcaster, an evaluation, a checkpoint, or a directory of them',
  });
}

/** Checkpoints at a path; undefined where there are none. What is one and cannot be read throws. */
async function findCheckpoint(path: string, { listCheckpoint }: InspectOptions): Promise<Checkpoint | undefined> {
  try {
    return await listCheckpoint?.(path);
  } catch (error) {
    const isNone = statSync(path).isDirectory() ? error instanceof InsufficientDataError : error instanceof UsageError;
    if (isNone) return undefined;
    throw error;
  }
}

/** The directory that a file is a part of: its own, or up to two above, as in `tfjs/conv/model.json`. */
function findWhole(path: string): string | undefined {
  const manifests = [MANIFEST_FILE, DATASET_MANIFEST, TRAINING_RECORD_NAME, NOWCASTER_MANIFEST_NAME, RESULTS_NAME];
  let directory = dirname(resolve(path));
  for (let level = 0; level < 3; level++) {
    if (manifests.some((name) => existsSync(join(directory, name)))) return directory;
    directory = dirname(directory);
  }
  return undefined;
}

/** Levels of directories that are looked through below the one that was named. */
export const MOST_LEVELS = 3;

/** Whether a directory holds records of runs, whatever else it is. */
function isPartOfEvaluation(path: string): boolean {
  const runs = runsDirectory(path);
  return (
    existsSync(runs) && statSync(runs).isDirectory() && !readdirSync(runs).some((name) => name.startsWith(RUN_PREFIX))
  );
}

async function inspectDirectory(path: string, options: InspectOptions, depth = 0): Promise<Inspection | undefined> {
  const has = (name: string) => existsSync(join(path, name));
  const common = () => ({ path, bytes: measureBytes(path) });
  if (has(MANIFEST_FILE)) {
    const manifest = readManifest(path);
    return { type: 'run', ...common(), run: await summarizeRun(path, manifest), manifest };
  }
  if (has(DATASET_MANIFEST)) return { type: 'samples', ...common(), manifest: readDatasetManifest(path) };
  if (has(TRAINING_RECORD_NAME)) {
    const file = join(path, TRAINING_RECORD_NAME);
    const record = checkTrainingRecord(readJson(file), file);
    const unfinished = TRAINED_KINDS.filter((kind) => !record.kinds[kind] && has(bestWeightsPath(kind)));
    return { type: 'training', ...common(), record, unfinished };
  }
  if (has(NOWCASTER_MANIFEST_NAME)) {
    const { manifest } = await loadNowcaster(path);
    checkProvenance(path, manifest);
    return { type: 'nowcaster', ...common(), manifest };
  }
  if (has(RESULTS_NAME))
    return {
      type: 'evaluation',
      ...common(),
      results: readContent('results', join(path, RESULTS_NAME)),
      report: reportState(path),
    };
  const records = isPartOfEvaluation(path) ? readRunRecords(path) : [];
  if (records.length > 0) {
    const runs = records.map(({ id, task, method, seed, status }) => ({ id, task, method, seed, status }));
    return { type: 'unfinished evaluation', ...common(), runs };
  }
  const directories = listDirectories(path);
  if (directories.some((name) => name.startsWith(RUN_PREFIX))) return inspectStore(path, common().bytes);
  if (depth === MOST_LEVELS) return undefined;
  const parts: Inspection[] = [];
  for (const name of directories) {
    const part = await inspectDirectory(join(path, name), options, depth + 1);
    if (part !== undefined) parts.push(part);
  }
  return parts.length > 0 ? { type: 'directory', ...common(), parts } : undefined;
}

/** Names of the visible directories in one; none when it may not be read. */
function listDirectories(path: string): string[] {
  try {
    const entries = readdirSync(path, { withFileTypes: true });
    const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
    return names.filter((name) => !name.startsWith('.')).sort();
  } catch {
    return [];
  }
}

async function inspectStore(path: string, bytes: number): Promise<Inspection> {
  const runs: RunSummary[] = [];
  const counts: Partial<Record<RunStatus, number>> = {};
  for (const { directory, manifest } of listRuns(path)) {
    runs.push(await summarizeRun(directory, manifest));
    counts[manifest.status] = (counts[manifest.status] ?? 0) + 1;
  }
  const snapshots = runs.reduce((sum, run) => sum + run.snapshots, 0);
  return { type: 'store', path, bytes, runs, counts, snapshots };
}

function readJson(path: string): unknown {
  const remedy = 'make it again';
  return readJsonFile(path, { missing: { what: 'nothing there', remedy }, remedy });
}

/** Bytes in which the metadata of our own weight files lies. */
const START_BYTES = 65_536;

/** Whether a safetensors file says that it is of a nowcaster; others may be large. */
function saysNowcaster(path: string): boolean {
  const descriptor = openSync(path, 'r');
  try {
    const start = Buffer.alloc(START_BYTES);
    return start.toString('latin1', 0, readSync(descriptor, start)).includes('"format":"wnn-weights"');
  } finally {
    closeSync(descriptor);
  }
}

/** The network of a weight file; undefined for one that is a checkpoint instead, or of another ending. */
async function readWeights(path: string, options: InspectOptions): Promise<NetworkWeights | undefined> {
  const { readH5, listCheckpoint } = options;
  switch (extname(basename(path))) {
    case '.h5':
      try {
        return await readH5?.(path);
      } catch (error) {
        if (listCheckpoint && (error instanceof MismatchError || error instanceof CorruptFileError)) return undefined;
        throw error;
      }
    case '.safetensors':
      if (listCheckpoint && !saysNowcaster(path)) return undefined;
      return decodeWeights(readFileSync(path), path);
    default:
      return undefined;
  }
}
