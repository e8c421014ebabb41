// Whole files of every format that the toolkit reads back from itself, to be damaged.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PAPER_SPEC } from '../../src/nowcaster/spec.js';
import { encodeWeights } from '../../src/nowcaster/weightsFile.js';
import { makeStore } from '../dataset/stores.js';
import { parametersOf, writeTraining } from '../export/trainingDirectory.js';
import { writeSamples } from '../train/fixtures.js';

/** Files by the name of their reader in damageThread.mjs. */
export async function makeOriginals(directory: string): Promise<Record<string, Uint8Array>> {
  const zoo = (name: string) => readFileSync(fileURLToPath(new URL(`../../weights/zoo/${name}`, import.meta.url)));
  const at = (...names: string[]) => readFileSync(join(directory, ...names));
  writeSamples(join(directory, 'samples'), { train: [40], val: [20] });
  writeTraining(join(directory, 'training'));
  await makeStore(directory, [{ id: 'a', epochs: 12 }]);
  const weights = encodeWeights(PAPER_SPEC, parametersOf(PAPER_SPEC, 'fc'));
  return {
    shard: at('samples', 'fc', 'train-00000.arrow'),
    weights,
    safetensors: weights,
    h5: zoo('NWNN_FC_zoo.h5'),
    'nowcaster.json': zoo('nowcaster.json'),
    'train.json': at('training', 'train.json'),
    'dataset.json': at('samples', 'dataset.json'),
    'run.json': at('run=a', 'run.json'),
  };
}
