// A nowcaster directory with random networks, for tests that need one on disk.

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { initParameters } from '../../src/network/init.js';
import type { NowcasterSpec } from '../../src/network/spec.js';
import { describeFiles } from '../../src/nowcaster/listedFile.js';
import { NOWCASTER_MANIFEST_NAME, NOWCASTER_SCHEMA_VERSION, tfjsModelPath } from '../../src/nowcaster/nowcaster.js';
import { defaultRecommendation } from '../../src/nowcaster/recommendation.js';
import { DEFAULT_KINDS, networkOf, PAPER_SPEC, type TrainedKind } from '../../src/nowcaster/spec.js';
import { Random } from '../../src/random.js';

/** Random networks, moved off their small initial weights so that every layer matters. */
export function randomNetworks(spec: NowcasterSpec = PAPER_SPEC) {
  const parameters = {} as Record<TrainedKind, Float32Array>;
  for (const kind of DEFAULT_KINDS) {
    const random = new Random(7, kind);
    parameters[kind] = initParameters(networkOf(spec), 5).map((value) => value + 0.1 * random.normal());
  }
  return { spec, parameters };
}

/** Writes them as a nowcaster directory. */
export function writeNowcasterDirectory(directory: string, { spec, parameters } = randomNetworks()): void {
  const entry = { training: null, source: { file: 'none', sha256: '' }, files: {} };
  const weights = networkOf(spec).arrays.map(({ name, shape }) => ({ name, shape, dtype: 'float32' }));
  const files: Record<string, Uint8Array> = {};
  for (const kind of DEFAULT_KINDS) {
    const path = tfjsModelPath(kind);
    files[path] = new TextEncoder().encode(JSON.stringify({ weightsManifest: [{ paths: ['weights.bin'], weights }] }));
    files[path.replace('model.json', 'weights.bin')] = new Uint8Array(parameters[kind].buffer);
  }
  const manifest = {
    schemaVersion: NOWCASTER_SCHEMA_VERSION,
    toolkitVersion: '0.0.0',
    tag: 'random',
    spec,
    cadence: { unit: 'epoch', every: 1 },
    recommended: defaultRecommendation(spec),
    kinds: Object.fromEntries(DEFAULT_KINDS.map((kind) => [kind, entry])),
    files: describeFiles(files),
    dataset: null,
  };
  files[NOWCASTER_MANIFEST_NAME] = new TextEncoder().encode(JSON.stringify(manifest));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), content);
  }
}
