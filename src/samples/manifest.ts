// dataset.json: reading it with all checks, and finding the shards that it lists. Shard contents: shardReader.ts.

import { join } from 'node:path';
import * as v from 'valibot';
import { CorruptFileError, MismatchError } from '../errors.js';
import { settleDirectory } from '../files/directory.js';
import { readJsonFile, requireVersion } from '../formats/json.js';
import { schemaProblem } from '../formats/jsonSchema.js';
import { familyProblem, sortKinds, TRAINED_KINDS, type TrainedKind, windowSpecProblem } from '../nowcaster/spec.js';
import { cadenceProblem } from '../trajectory/cadence.js';
import { type DatasetManifest, type KindSummary, SAMPLES_SCHEMA_VERSION, SPLITS } from './schema.js';

/** Name of the manifest within a directory of samples. */
export const DATASET_MANIFEST = 'dataset.json';

const REBUILD = 'build the samples again with wnn dataset';

/**
 * Reads and checks `<dir>/dataset.json`.
 *
 * @throws MissingFileError when there is none.
 * @throws SchemaVersionError when it is of another schema version.
 * @throws {@link CorruptFileError} when it is not JSON or lacks what it must hold.
 */
export function readDatasetManifest(dir: string): DatasetManifest {
  const path = join(dir, DATASET_MANIFEST);
  settleDirectory(dir);
  const missing = { what: 'no samples here', remedy: 'make them with wnn dataset' };
  const manifest = readJsonFile(path, { missing, remedy: REBUILD }) as DatasetManifest;
  requireVersion(manifest, SAMPLES_SCHEMA_VERSION, path, REBUILD);
  const problem =
    windowSpecProblem(manifest) ??
    familyProblem(manifest.family) ??
    cadenceProblem(manifest.cadence) ??
    schemaProblem(SCHEMA, manifest) ??
    sumProblem(manifest);
  if (problem !== null) throw new CorruptFileError({ what: problem, where: path, remedy: REBUILD });
  return manifest;
}

/** The kinds that samples were asked for, in their order. */
export function sampledKinds({ kinds }: DatasetManifest): TrainedKind[] {
  return sortKinds(Object.keys(kinds));
}

/**
 * What became of the windows of a kind.
 *
 * @param dir of the samples, for messages.
 * @throws {@link MismatchError} when the samples were not asked for this kind.
 */
export function summaryOf(manifest: DatasetManifest, kind: TrainedKind, dir: string): KindSummary {
  const summary = manifest.kinds[kind];
  if (summary !== undefined) return summary;
  const built = sampledKinds(manifest);
  throw new MismatchError({
    what: `samples of ${built.join(', ')}, not of kind ${kind}`,
    where: join(dir, DATASET_MANIFEST),
    remedy: `build them with wnn dataset --kind ${sortKinds([...built, kind]).join(' ')}`,
  });
}

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const textOrNull = v.nullable(v.string());
const INPUTS = 'a list of names that begins with window';

const shard = v.object({
  file: v.pipe(v.string(), v.regex(/^\w+\/\w+-\d+\.arrow$/)),
  rows: count,
  bytes: count,
  crc32: count,
});
const part = v.object({ samples: count, shards: v.array(shard) });

const kindSummary = v.object({
  tensors: count,
  seen: count,
  drawn: count,
  dropped: v.record(v.string(), count),
  samples: count,
  splits: v.object(v.entriesFromList(SPLITS, part)),
  targets: v.array(
    v.object({
      horizon: count,
      quantiles: v.array(v.object({ probability: v.number(), value: v.number() })),
      mean: v.number(),
      meanAbsolute: v.number(),
    }),
  ),
});

const SCHEMA = v.looseObject({
  toolkitVersion: v.string(),
  inputs: v.pipe(
    v.array(v.string()),
    v.check(([first]) => first === 'window', INPUTS),
  ),
  seed: v.number(),
  sampling: v.looseObject({ firstSnapshot: count, windowStride: count, scalarsPerTensor: count }),
  split: v.looseObject({ by: v.picklist(['share', 'holdOut']) }),
  runs: v.array(
    v.looseObject({
      id: v.string(),
      sha256: v.string(),
      task: textOrNull,
      architecture: textOrNull,
      split: v.picklist(SPLITS),
      snapshots: count,
      samples: count,
    }),
  ),
  kinds: v.pipe(
    v.strictObject(v.entriesFromList(TRAINED_KINDS, v.optional(kindSummary))),
    v.check((kinds) => Object.keys(kinds).length > 0, 'at least one kind'),
  ),
});

function sumProblem({ kinds }: DatasetManifest): string | null {
  for (const [kind, { splits }] of Object.entries(kinds))
    for (const split of SPLITS) {
      const { samples, shards } = splits[split];
      if (samples !== shards.reduce((sum, { rows }) => sum + rows, 0))
        return `kinds.${kind}.splits.${split}: its shards do not add up to ${samples} samples`;
    }
  return null;
}
