// Reads files that are damaged, with the readers of the build.
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parentPort } from 'node:worker_threads';
import { WnnError } from '../../dist/errors.js';
import { decodeH5 } from '../../dist/export/h5Read.js';
import { parseJsonOf } from '../../dist/formats/json.js';
import { decodeSafetensors } from '../../dist/formats/safetensors.js';
import { checkTrainingRecord } from '../../dist/nowcaster/checkTraining.js';
import { checkNowcasterManifest } from '../../dist/nowcaster/nowcaster.js';
import { decodeWeights } from '../../dist/nowcaster/weightsFile.js';
import { readDatasetManifest } from '../../dist/samples/manifest.js';
import { readShard } from '../../dist/samples/shardReader.js';
import { readManifest } from '../../dist/trajectory/runReader.js';

const directory = mkdtempSync(join(tmpdir(), 'wnn-damage-'));
const inFile = (name, read) => (bytes) => {
  writeFileSync(join(directory, name), bytes);
  return read(directory, join(directory, name));
};
const READERS = {
  shard: inFile('shard.arrow', (_, path) => readShard(path)),
  weights: (bytes) => decodeWeights(bytes, 'weights.safetensors'),
  safetensors: (bytes) => decodeSafetensors(bytes, 'any.safetensors'),
  h5: (bytes) => decodeH5(bytes, 'weights.h5', {}),
  'nowcaster.json': (bytes) => checkNowcasterManifest(parseJsonOf(bytes, 'nowcaster.json', 'export'), 'nowcaster.json'),
  'train.json': (bytes) => checkTrainingRecord(parseJsonOf(bytes, 'train.json', 'train'), 'train.json'),
  'dataset.json': inFile('dataset.json', (folder) => readDatasetManifest(folder)),
  'run.json': inFile('run.json', (folder) => readManifest(folder)),
};
mkdirSync(directory, { recursive: true });

parentPort.on('message', async ({ reader, bytes }) => {
  try {
    await READERS[reader](bytes);
    parentPort.postMessage({ outcome: 'read', message: '' });
  } catch (error) {
    const ours = error instanceof WnnError && !/\p{Cc}/u.test(error.message);
    parentPort.postMessage({
      outcome: ours ? 'refused' : 'threw',
      message: String(error?.stack ?? error).slice(0, 400),
    });
  }
});
