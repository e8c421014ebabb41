// dataset.json: reading it with all checks, and finding the shards that it lists. Shard contents: shardReader.ts.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CorruptFileError, MissingFileError, SchemaVersionError } from '../errors.js';
import { settleDirectory } from '../files/directory.js';
import { familyProblem, TRAINED_KINDS, type TrainedKind, windowSpecProblem } from '../nowcaster/spec.js';
import { cadenceProblem } from '../trajectory/cadence.js';
import {
  type DatasetManifest,
  type KindSummary,
  SAMPLES_SCHEMA_VERSION,
  type ShardInfo,
  SPLITS,
  type Split,
} from './schema.js';

/** Name of the manifest within a directory of samples. */
export const DATASET_MANIFEST = 'dataset.json';

const REBUILD = 'build the samples again with wnn dataset';

/**
 * Reads and checks `<dir>/dataset.json`.
 *
 * @throws {@link MissingFileError} when there is none.
 * @throws {@link SchemaVersionError} when it is of another schema version.
 * @throws {@link CorruptFileError} when it is not JSON or lacks what it must hold.
 */
export function readDatasetManifest(dir: string): DatasetManifest {
  const path = join(dir, DATASET_MANIFEST);
  settleDirectory(dir);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new MissingFileError({ what: 'no samples here', where: path, remedy: 'make them with wnn dataset', cause });
  }
  const corrupt = (what: string, cause?: unknown) =>
    new CorruptFileError({ what, where: path, remedy: REBUILD, cause });
  let manifest: DatasetManifest;
  try {
    manifest = JSON.parse(text);
  } catch (cause) {
    throw corrupt('not a JSON file', cause);
  }
  if (typeof manifest !== 'object' || manifest === null) throw corrupt('not a manifest of samples');
  if (manifest.schemaVersion !== SAMPLES_SCHEMA_VERSION)
    throw new SchemaVersionError({
      what: `schema version ${JSON.stringify(manifest.schemaVersion)}, this version reads ${SAMPLES_SCHEMA_VERSION}`,
      where: path,
      remedy: REBUILD,
    });
  const problem =
    windowSpecProblem(manifest) ??
    familyProblem(manifest.family) ??
    cadenceProblem(manifest.cadence) ??
    contentProblem(manifest);
  if (problem !== null) throw corrupt(problem);
  return manifest;
}

function contentProblem(manifest: DatasetManifest): string | null {
  const { inputs } = manifest;
  if (!Array.isArray(inputs) || inputs[0] !== 'window' || inputs.some((name) => typeof name !== 'string'))
    return 'inputs is not a list of names that begins with window';
  if (!Array.isArray(manifest.runs)) return 'runs is not a list';
  for (const kind of TRAINED_KINDS) {
    const summary = manifest.kinds?.[kind] as KindSummary | undefined;
    for (const split of SPLITS) {
      const part = summary?.splits?.[split];
      if (part === undefined || !Array.isArray(part.shards)) return `kinds.${kind}.splits.${split} is missing`;
      if (!part.shards.every(isShardInfo))
        return `kinds.${kind}.splits.${split} lists a shard without its size or checksum`;
      if (part.samples !== part.shards.reduce((sum, shard) => sum + shard.rows, 0))
        return `kinds.${kind}.splits.${split}: its shards do not add up to ${part.samples} samples`;
    }
  }
  return null;
}

function isShardInfo(value: unknown): value is ShardInfo {
  const shard = value as ShardInfo | null;
  const whole = (n: unknown) => Number.isSafeInteger(n) && (n as number) >= 0;
  return (
    typeof shard?.file === 'string' &&
    !shard.file.split(/[\\/]/).includes('..') &&
    whole(shard.rows) &&
    whole(shard.bytes) &&
    whole(shard.crc32)
  );
}

/**
 * Full paths of the shards of a kind and split, in order; empty when the kind has no samples.
 *
 * @throws whatever {@link readDatasetManifest} throws.
 */
export function shardPaths(
  dir: string,
  kind: TrainedKind,
  split: Split,
  manifest: DatasetManifest = readDatasetManifest(dir),
): string[] {
  return manifest.kinds[kind].splits[split].shards.map((shard) => join(dir, shard.file));
}
