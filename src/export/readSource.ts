// What can be exported: the directory of a training, a nowcaster directory, or weight files of the three networks from
// elsewhere. All become one thing: a spec, and per kind its parameters and where they come from.

import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { loadNowcaster } from '../callback/node.js';
import { InsufficientDataError, MismatchError, MissingFileError, UsageError } from '../errors.js';
import { readJsonFile } from '../formats/json.js';
import type { NowcasterSpec } from '../network/spec.js';
import { checkTrainingRecord } from '../nowcaster/checkTraining.js';
import { type NetworkSource, NOWCASTER_MANIFEST_NAME, type NowcasterManifest } from '../nowcaster/nowcaster.js';
import { checkBeside } from '../nowcaster/onDisk.js';
import { checkProvenance } from '../nowcaster/provenance.js';
import { defaultRecommendation, type Recommendation, requireRecommendation } from '../nowcaster/recommendation.js';
import {
  DEFAULT_KINDS,
  KIND_FILE_NAMES,
  sameSpec,
  sortKinds,
  TRAINED_KINDS,
  type TrainedKind,
} from '../nowcaster/spec.js';
import { bestWeightsPath, type KindTraining, TRAINING_RECORD_NAME } from '../nowcaster/trainingRecord.js';
import { decodeWeights, type NetworkWeights } from '../nowcaster/weightsFile.js';
import { FLAG, listOf, NUMBER, type OptionTypes, objectOf, TEXT } from '../optionTypes.js';
import { EVERY_EPOCH, type SnapshotCadence } from '../trajectory/cadence.js';
import { decodeH5, type H5Meaning } from './h5Read.js';

/** One kind's network and where it comes from. */
export interface SourceNetwork {
  parameters: Float32Array;
  training: KindTraining | null;
  source: NetworkSource;
}

/** What is to be exported. */
export interface ExportSource {
  spec: NowcasterSpec;
  /** As in the manifest or the training; every epoch for weight files. */
  cadence: SnapshotCadence;
  /** As in the manifest; the default for what is not a nowcaster yet. */
  recommended: Recommendation;
  kinds: Partial<Record<TrainedKind, SourceNetwork>>;
  /** Kinds that it must have to be whole: the default ones, less those of which the runs had no tensors. */
  expected: readonly TrainedKind[];
  dataset: NowcasterManifest['dataset'];
  /** Tag of a nowcaster that is exported again; null for others. */
  tag: string | null;
}

const WHAT_TO_GIVE = 'give the directory of a training or of a nowcaster, or weight files (conv.h5,fc.h5,bias.h5)';

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

function readBytes(path: string, what: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new MissingFileError({
      what: `cannot read ${what}`,
      where: path,
      remedy: WHAT_TO_GIVE,
      cause,
    });
  }
}

/** How the kinds are recognized in the names of weight files. */
const KIND_PATTERNS: Record<TrainedKind, RegExp> = {
  conv: /conv/i,
  fc: /(^|[^a-z])(fc|dense)([^a-z]|$)/i,
  bias: /bias/i,
  norm: /norm/i,
  embedding: /embed/i,
};

/** Which file is for which kind: by their names, or by their order when no name says anything. */
function assignKinds(paths: readonly string[]): [kind: TrainedKind, path: string][] {
  const named = paths.map((path) => TRAINED_KINDS.filter((kind) => KIND_PATTERNS[kind].test(basename(path))));
  const fail = (what: string) =>
    new UsageError({
      what,
      where: paths.join(','),
      remedy: `give one file a kind, with ${Object.values(KIND_FILE_NAMES).join(', ')} in its name, or three in the order ${DEFAULT_KINDS.join(', ')}`,
    });
  if (paths.length === DEFAULT_KINDS.length && named.every((kinds) => kinds.length === 0))
    return paths.map((path, i) => [DEFAULT_KINDS[i], path]);
  return paths.map((path, i) => {
    if (named[i].length !== 1) throw fail(`cannot tell the kind of ${basename(path)} from its name`);
    if (named.filter(([kind]) => kind === named[i][0]).length > 1) throw fail(`two files for the ${named[i][0]} kind`);
    return [named[i][0], path];
  });
}

async function decodeNetwork(path: string, bytes: Uint8Array, meaning: H5Meaning): Promise<NetworkWeights> {
  switch (extname(path).toLowerCase()) {
    case '.h5':
    case '.hdf5':
    case '.keras':
      return decodeH5(bytes, path, meaning);
    case '.safetensors':
      return decodeWeights(bytes, path);
    default:
      throw new UsageError({
        what: `unknown type of weight file ${extname(path) || '(no extension)'}`,
        where: path,
        remedy: 'give .h5 or .safetensors files',
      });
  }
}

async function readWeightFiles(paths: readonly string[], meaning: H5Meaning): Promise<ExportSource> {
  const kinds: ExportSource['kinds'] = {};
  let first: { spec: NowcasterSpec; path: string } | undefined;
  for (const [kind, path] of assignKinds(paths)) {
    const bytes = readBytes(path, 'the weight file');
    checkBeside(path, bytes);
    const { spec, parameters } = await decodeNetwork(path, bytes, meaning);
    first ??= { spec, path };
    if (!sameSpec(spec, first.spec))
      throw new MismatchError({
        what: `its network differs from that of ${basename(first.path)}`,
        where: path,
        remedy: 'give files of one nowcaster',
      });
    kinds[kind] = { parameters, training: null, source: { file: basename(path), sha256: sha256(bytes) } };
  }
  const { spec } = first!;
  const cadence = { ...EVERY_EPOCH };
  const recommended = defaultRecommendation(spec);
  return { spec, cadence, recommended, kinds, expected: DEFAULT_KINDS, dataset: null, tag: null };
}

function readTraining(directory: string, partial: boolean): ExportSource {
  const recordPath = join(directory, TRAINING_RECORD_NAME);
  const missing = { what: 'cannot read the training', remedy: WHAT_TO_GIVE };
  const value = readJsonFile(recordPath, { missing, remedy: 'train again' });
  const record = checkTrainingRecord(value, recordPath);
  const kinds: ExportSource['kinds'] = {};
  for (const kind of TRAINED_KINDS) {
    const training = record.kinds[kind] ?? null;
    const path = join(directory, bestWeightsPath(kind));
    if (training === null && !(partial && existsSync(path))) continue;
    const bytes = readBytes(path, `the ${kind} weights`);
    const digest = sha256(bytes);
    const { spec, parameters } = decodeWeights(bytes, path);
    if ((training !== null && digest !== training.weightsSha256) || !sameSpec(spec, record.spec))
      throw new MismatchError({
        what: `not the weights that ${TRAINING_RECORD_NAME} describes`,
        where: path,
        remedy: 'train again, or restore the file',
      });
    kinds[kind] = { parameters, training, source: { file: basename(path), sha256: digest } };
  }
  const { spec, dataset } = record;
  const recommended = defaultRecommendation(spec, dataset.firstSnapshot);
  const expected = DEFAULT_KINDS.filter((kind) => !dataset.withoutTensors?.includes(kind));
  return { spec, cadence: dataset.cadence, recommended, kinds, expected, dataset, tag: null };
}

async function readExported(directory: string): Promise<ExportSource> {
  const { spec, cadence, recommended, parameters, manifest } = await loadNowcaster(directory);
  checkProvenance(directory, manifest);
  const kinds: ExportSource['kinds'] = {};
  for (const kind of TRAINED_KINDS) {
    const values = parameters[kind];
    const entry = manifest.kinds[kind];
    if (values && entry) kinds[kind] = { parameters: values, training: entry.training, source: entry.source };
  }
  // What was exported was whole, or wanted so.
  const expected = TRAINED_KINDS.filter((kind) => kinds[kind]);
  return { spec, cadence, recommended, kinds, expected, dataset: manifest.dataset, tag: manifest.tag };
}

/** Keeps the kinds that are wanted; without a wish all that are there, among which the expected ones must be. */
function selectKinds(
  source: ExportSource,
  wanted: readonly TrainedKind[] | undefined,
  where: string,
  partial = false,
): ExportSource['kinds'] {
  const kinds: ExportSource['kinds'] = {};
  for (const kind of sortKinds(wanted ?? [...source.expected, ...Object.keys(source.kinds)])) {
    const network = source.kinds[kind];
    if (network === undefined) {
      const there = Object.keys(source.kinds);
      const leaveOut = there.length > 0 ? `, or leave the kind out (--kind ${there.join(' ')})` : '';
      throw new InsufficientDataError({
        what: `no network for the ${kind} kind`,
        where,
        remedy: `train or give it${partial ? '' : ', take the best so far of a training that has not ended (--partial)'}${leaveOut}`,
      });
    }
    kinds[kind] = network;
  }
  return kinds;
}

/** What a user chooses of what is exported. */
export interface SourceChoices extends H5Meaning {
  /**
   * Kinds to export, each of which must be there. Default: `conv`, `fc`, `bias`, without those of which the recorded runs have no
   * tensors, and what else is there; of a nowcaster, those that it has.
   */
  kinds?: readonly TrainedKind[];
  /** Also take the best weights so far of kinds whose training has not ended. Default false. */
  partial?: boolean;
  /**
   * How training jobs should use it: `period`, `start`, `stepScale`; find the best with `wnn evaluate`. Default: what
   * the nowcaster read recommends, or its window's length, its first window, and 1.
   */
  recommended?: Partial<Recommendation>;
}

/** The types of {@link SourceChoices}. */
export const SOURCE_CHOICES: OptionTypes<SourceChoices> = {
  normalization: TEXT,
  horizons: listOf(NUMBER),
  residual: FLAG,
  kinds: listOf(TEXT),
  partial: FLAG,
  recommended: objectOf('period', 'start', 'stepScale'),
};

/** An object without its undefined fields. */
function definedOf<T extends object>(value: T): Partial<T> {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as Partial<T>;
}

/**
 * Reads what is to be exported.
 *
 * @param from one directory, of a training or of a nowcaster, or weight files.
 * @param choice the kinds to export, each of which must be there (default: those expected, and what else is there), what to recommend
 * (default: what the source says), and what h5 files do not say about their network.
 * @throws {@link MissingFileError}, {@link InsufficientDataError} for a missing kind, and the readers' errors.
 */
export async function readSource(
  from: readonly string[],
  { kinds, partial = false, recommended = {}, ...meaning }: SourceChoices,
): Promise<ExportSource> {
  const where = from.join(',');
  const absent = from.find((path) => !existsSync(path));
  if (absent !== undefined)
    throw new MissingFileError({
      what: 'no such file or directory',
      where: absent,
      remedy: WHAT_TO_GIVE,
    });
  requireRecommendation(recommended, '--');
  const source = await readAny(from, meaning, partial);
  return {
    ...source,
    kinds: selectKinds(source, kinds, where, partial),
    recommended: { ...source.recommended, ...definedOf(recommended) },
  };
}

async function readAny(from: readonly string[], meaning: H5Meaning, partial: boolean): Promise<ExportSource> {
  const [directory] = from;
  if (from.length > 1 || !statSync(directory).isDirectory()) return readWeightFiles(from, meaning);
  const exported = existsSync(join(directory, NOWCASTER_MANIFEST_NAME));
  return exported ? readExported(directory) : readTraining(directory, partial);
}
