// Finds existing samples for the option `reuse`.

import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { DATASET_MANIFEST, type DatasetManifest, readDatasetManifest, SPLITS, sampledKinds } from '../samples/index.js';
import { describeSettings } from './manifest.js';
import type { PreparedDataset } from './prepare.js';

/** The existing samples, when they are complete and equal to what this build would write; else null. */
export function findSame({ settings, runs, hashes, plan, dir }: PreparedDataset): DatasetManifest | null {
  if (!existsSync(join(dir, DATASET_MANIFEST))) return null;
  let manifest: DatasetManifest;
  try {
    manifest = readDatasetManifest(dir);
  } catch {
    // Unreadable samples are rebuilt.
    return null;
  }
  const { runs: hadRuns, kinds, ...hadSettings } = manifest;
  const had = hadRuns.map(({ id, split, sha256 }) => [id, split, sha256]);
  const wanted = runs.map(({ id }, i) => [id, plan.splits[i], hashes[i]]);
  if (!isDeepStrictEqual(hadSettings, describeSettings(settings, runs)) || !isDeepStrictEqual(had, wanted)) return null;
  if (!isDeepStrictEqual(sampledKinds(manifest), settings.kinds)) return null;
  const shards = Object.values(kinds).flatMap(({ splits }) => SPLITS.flatMap((split) => splits[split].shards));
  const whole = shards.every(({ file, bytes }) => statSync(join(dir, file), { throwIfNoEntry: false })?.size === bytes);
  return whole ? manifest : null;
}
