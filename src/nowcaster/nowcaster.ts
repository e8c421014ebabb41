// A nowcaster directory: `nowcaster.json` and, a kind, `tfjs/<kind>/model.json` with its weights. Reads through a
// function that the caller gives, so that it works on disk, over HTTP and inside a package alike.

import { CorruptFileError, MismatchError, SchemaVersionError } from '../errors.js';
import { JsonProblem, parseJson, quoteValue } from '../formats/parseJson.js';
import type { NowcasterSpec } from '../network/spec.js';
import { cadenceProblem, type SnapshotCadence } from '../trajectory/cadence.js';
import { checkListed, isFileList, type ListedFile } from './listedFile.js';
import { checkParameters } from './parameters.js';
import { type Recommendation, recommendationProblem } from './recommendation.js';
import { readSchedule } from './schedule.js';
import { networkOf, specProblem, TRAINED_KINDS, type TrainedKind } from './spec.js';
import type { KindTraining, TrainingRecord } from './trainingRecord.js';

/** Version of `nowcaster.json`; checked by every reader. */
export const NOWCASTER_SCHEMA_VERSION = 1;

/** Name of the manifest in a nowcaster directory. */
export const NOWCASTER_MANIFEST_NAME = 'nowcaster.json';

/** Path of a kind's tfjs model, relative to the nowcaster directory. */
export function tfjsModelPath(kind: TrainedKind): string {
  return `tfjs/${kind}/model.json`;
}

/** The file that a kind's network was read from. */
export interface NetworkSource {
  /** File name without its directory. */
  file: string;
  /** SHA-256 of the file, in hex. */
  sha256: string;
}

/** What the manifest says of one kind. */
export interface NowcasterKind {
  /** How it was trained and how well it forecasts; null when the weights came from elsewhere. */
  training: KindTraining | null;
  source: NetworkSource;
  /** Paths of its files relative to the directory, by format: `tfjs`, `h5`, `safetensors`, `onnx`. */
  files: Record<string, string>;
}

/** `nowcaster.json`. Holds no clock times, so that the same export gives the same bytes. */
export interface NowcasterManifest {
  schemaVersion: typeof NOWCASTER_SCHEMA_VERSION;
  toolkitVersion: string;
  /** What tells this nowcaster from others; part of its h5 files' names. */
  tag: string;
  spec: NowcasterSpec;
  /** When the snapshots that it was trained on were taken; what its windows, horizons and period count. */
  cadence: SnapshotCadence;
  /** How training jobs use it unless they say otherwise. */
  recommended: Recommendation;
  /** The networks that the directory holds. A kind that is not here is not forecast. */
  kinds: Partial<Record<TrainedKind, NowcasterKind>>;
  /** All files of the directory but this one, with what tells whether they are whole. */
  files: ListedFile[];
  /** Where the training samples came from; null when the weights came from elsewhere. */
  dataset: TrainingRecord['dataset'] | null;
}

/** A nowcaster in memory. */
export interface Nowcaster {
  tag: string;
  spec: NowcasterSpec;
  /** Flat parameters of each kind's network, as `networkOf` lays them out. */
  parameters: Partial<Record<TrainedKind, Float32Array>>;
  cadence: SnapshotCadence;
  recommended: Recommendation;
  manifest: NowcasterManifest;
}

/**
 * Gives the bytes of a file of the directory, named by its path with `/`. Must throw a WnnError that names the full
 * path or address when there is no such file.
 */
export type NowcasterSource = (relativePath: string) => Promise<Uint8Array>;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function parseJsonFile(bytes: Uint8Array, fileName: string): unknown {
  try {
    return parseJson(bytes);
  } catch (cause) {
    if (!(cause instanceof JsonProblem)) throw cause;
    throw new CorruptFileError({ what: cause.message, where: fileName, remedy: 'export it again', cause });
  }
}

/**
 * Checks a parsed `nowcaster.json`.
 *
 * @param fileName what to call the file in errors.
 * @throws {@link SchemaVersionError}, {@link CorruptFileError}
 */
export function checkNowcasterManifest(manifest: unknown, fileName: string): NowcasterManifest {
  const value = manifest;
  const fail = (problem: string) =>
    new CorruptFileError({
      what: `not a nowcaster's manifest: ${problem}`,
      where: fileName,
      remedy: 'export it again (wnn export)',
    });
  if (!isObject(value)) throw fail('it is not an object');
  if (value.schemaVersion !== NOWCASTER_SCHEMA_VERSION)
    throw new SchemaVersionError({
      what: `schema version ${quoteValue(value.schemaVersion)}, this version reads ${NOWCASTER_SCHEMA_VERSION}`,
      where: fileName,
      remedy: 'export it again with this version of the toolkit, or use the version that wrote it',
    });
  const problem = specProblem(value.spec);
  if (problem !== null) throw fail(problem);
  const cadence = cadenceProblem(value.cadence);
  if (cadence !== null) throw fail(cadence);
  value.recommended = readSchedule(value.recommended);
  const recommended = recommendationProblem(value.recommended);
  if (recommended !== null) throw fail(`recommended: ${recommended}`);
  if (typeof value.tag !== 'string') throw fail('it has no tag');
  if (!isObject(value.kinds) || !TRAINED_KINDS.some((kind) => isObject((value.kinds as object)[kind as never])))
    throw fail('it has no kinds');
  for (const [kind, entry] of Object.entries(value.kinds)) {
    if (!TRAINED_KINDS.includes(kind as TrainedKind)) throw fail(`it has a kind called ${quoteValue(kind)}`);
    if (!isObject(entry)) throw fail(`kinds.${kind} is not an object`);
  }
  if (!isFileList(value.files)) throw fail('it has no list of files with their lengths and SHA-256');
  return manifest as NowcasterManifest;
}

/** One array as the weights manifest of a tfjs model describes it. */
interface TfjsWeight {
  name: string;
  shape: number[];
  dtype: string;
}

/** The arrays that a tfjs `model.json` lists and the files that hold them, one after the other. */
function parseWeightsManifest(value: unknown, fileName: string): { paths: string[]; weights: TfjsWeight[] } {
  const fail = (problem: string) =>
    new CorruptFileError({
      what: `not a tfjs model of a nowcaster: ${problem}`,
      where: fileName,
      remedy: 'export it again',
    });
  if (!isObject(value) || !Array.isArray(value.weightsManifest)) throw fail('it has no weightsManifest');
  const paths: string[] = [];
  const weights: TfjsWeight[] = [];
  for (const group of value.weightsManifest as unknown[]) {
    if (!isObject(group) || !Array.isArray(group.paths) || !Array.isArray(group.weights))
      throw fail('a group of its weightsManifest has no paths or weights');
    for (const path of group.paths as unknown[]) {
      if (typeof path !== 'string' || !/^[\w.-]+$/.test(path) || path.startsWith('.'))
        throw fail('a path of its weightsManifest leaves the directory');
      paths.push(path);
    }
    for (const weight of group.weights as unknown[]) {
      if (!isObject(weight) || typeof weight.name !== 'string' || !Array.isArray(weight.shape))
        throw fail('an entry of its weightsManifest has no name or shape');
      if (weight.dtype !== 'float32')
        throw fail(`${quoteValue(weight.name)} is ${quoteValue(weight.dtype)}, expected float32`);
      weights.push({ name: weight.name, shape: weight.shape as number[], dtype: weight.dtype });
    }
  }
  return { paths, weights };
}

async function readTfjsParameters(
  source: NowcasterSource,
  spec: NowcasterSpec,
  modelPath: string,
  fileName: string,
): Promise<Float32Array> {
  const { paths, weights } = parseWeightsManifest(parseJsonFile(await source(modelPath), fileName), fileName);
  const folder = modelPath.slice(0, modelPath.lastIndexOf('/') + 1);
  const parts = await Promise.all(paths.map((path) => source(folder + path)));
  const bytes = parts.reduce((sum, part) => sum + part.length, 0);
  const { arrays, size } = networkOf(spec);
  const mismatch = (what: string) =>
    new MismatchError({ what, where: fileName, remedy: 'export the nowcaster again; its spec and weights differ' });
  if (weights.length !== arrays.length) throw mismatch(`${weights.length} arrays, the spec has ${arrays.length}`);
  if (bytes !== size * 4)
    throw new CorruptFileError({
      what: `${bytes} bytes of weights, expected ${size * 4}`,
      where: `${paths.join(', ')} of ${fileName}`,
      remedy: 'export or copy it again',
    });
  // Copied together, because the parts need not start at a multiple of four bytes.
  const joined = new Uint8Array(bytes);
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  const values = new Float32Array(joined.buffer);
  const parameters = new Float32Array(size);
  let start = 0;
  for (const { name, shape } of weights) {
    const array = arrays.find((candidate) => candidate.name === name);
    if (array === undefined || array.shape.length !== shape.length || array.shape.some((size, i) => size !== shape[i]))
      throw mismatch(`${quoteValue(name)} is not an array of the spec`);
    const end = start + array.end - array.start;
    parameters.set(values.subarray(start, end), array.start);
    start = end;
  }
  checkParameters(spec, parameters, fileName);
  return parameters;
}

/**
 * Reads a nowcaster directory: the manifest and the tfjs weights of every kind that it lists.
 *
 * @param source gives the files' bytes.
 * @param name what to call the directory in errors: its path or address.
 * @throws {@link SchemaVersionError}, {@link CorruptFileError}, {@link MismatchError}, and what `source` throws, e.g. for
 * a kind that the manifest lists and the directory lacks.
 */
export async function readNowcaster(source: NowcasterSource, name: string): Promise<Nowcaster> {
  const nameOf = (path: string) => `${name.replace(/\/$/, '')}/${path}`;
  const manifestName = nameOf(NOWCASTER_MANIFEST_NAME);
  const manifest = checkNowcasterManifest(
    parseJsonFile(await source(NOWCASTER_MANIFEST_NAME), manifestName),
    manifestName,
  );
  const checked: NowcasterSource = async (path) => {
    const entry = manifest.files.find((file) => file.path === path);
    if (entry === undefined)
      throw new CorruptFileError({
        what: `${NOWCASTER_MANIFEST_NAME} does not list this file`,
        where: nameOf(path),
        remedy: 'export the nowcaster again',
      });
    const bytes = await source(path);
    checkListed(entry, bytes, nameOf(path));
    return bytes;
  };
  const parameters: Nowcaster['parameters'] = {};
  for (const kind of TRAINED_KINDS) {
    if (manifest.kinds[kind] === undefined) continue;
    const path = tfjsModelPath(kind);
    parameters[kind] = await readTfjsParameters(checked, manifest.spec, path, nameOf(path));
  }
  const { tag, spec, cadence, recommended } = manifest;
  return { tag, spec, parameters, cadence, recommended, manifest };
}
