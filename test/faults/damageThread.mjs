// Reads files that are damaged, with the readers of the build.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { planRuns, readPlanFile } from '../../dist/collect/index.js';
import { collectJobs } from '../../dist/collect/jobKind.js';
import { WnnError } from '../../dist/errors.js';
import { decodeH5 } from '../../dist/export/h5Read.js';
import { checkMessage } from '../../dist/fleet/message.js';
import { parseJsonOf } from '../../dist/formats/json.js';
import { decodeSafetensors } from '../../dist/formats/safetensors.js';
import { inspectPath } from '../../dist/inspect/index.js';
import { checkTrainingRecord } from '../../dist/nowcaster/checkTraining.js';
import { checkNowcasterManifest } from '../../dist/nowcaster/nowcaster.js';
import { decodeWeights } from '../../dist/nowcaster/weightsFile.js';
import { writeReport } from '../../dist/report/index.js';
import { readDatasetManifest } from '../../dist/samples/manifest.js';
import { readShard } from '../../dist/samples/shardReader.js';
import { readManifest } from '../../dist/trajectory/runReader.js';

const directory = mkdtempSync(join(tmpdir(), 'wnn-damage-'));
const inFile = (name, read) => (bytes) => {
  writeFileSync(join(directory, name), bytes);
  return read(directory, join(directory, name));
};
/** What a worker does with a job before it runs it. */
const unpackJob = (bytes) => {
  const { id, spec } = checkMessage(parseJsonOf(bytes, 'job.json', 'plan it again'));
  return collectJobs.unpack(spec, id, { directory, staging: directory, resolve: (name) => name });
};
/** What report and inspect make of an evaluation of which one file is damaged. */
const inEvaluation = (name) => async (bytes) => {
  const folder = mkdtempSync(join(directory, 'evaluation-'));
  try {
    mkdirSync(join(folder, 'runs'));
    for (const [path, whole] of Object.entries({ ...workerData, [name]: bytes }))
      writeFileSync(join(folder, path), whole);
    await inspectPath(folder);
    writeReport({ directory: folder });
    const page = readFileSync(join(folder, 'report.html'), 'utf8');
    if (page.includes('<script>alert') || page.includes('\u001b')) throw new Error('the page holds a value as it is');
  } finally {
    rmSync(folder, { recursive: true });
  }
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
  'results.json': inEvaluation('results.json'),
  'forecasts.json': inEvaluation('forecasts.json'),
  'record.json': inEvaluation(Object.keys(workerData).find((path) => path.startsWith('runs/'))),
  'plan.yaml': inFile('plan.yaml', (_, path) => planRuns(readPlanFile(path))),
  'job.json': unpackJob,
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
