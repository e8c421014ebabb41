// Reads chosen scalars of a run, snapshot by snapshot: for work that looks at a few of very many. The dataset stage loads
// this in each of its threads, so what reads logs is loaded only for a log: it takes longer to load than a store to read.

import { CorruptFileError } from '../errors.js';
import { activeLog, readManifestFile } from './manifest.js';
import { readWeightsFile, type ScalarChoice, type ScalarSnapshot } from './weightsReader.js';

export type { ScalarChoice, ScalarSnapshot };

/**
 * The chosen scalars of each snapshot of a run.
 *
 * @param firstSnapshot snapshots before this one are left out. Default: none.
 * @throws the errors of `readSnapshots`.
 */
export async function* readScalars(
  runDirectory: string,
  choices: readonly ScalarChoice[],
  { firstSnapshot = 0 }: { firstSnapshot?: number } = {},
): AsyncGenerator<ScalarSnapshot> {
  const { tensors, status, files, snapshotsRecorded } = readManifestFile(runDirectory);
  const log = activeLog(runDirectory, status);
  if (log !== undefined) {
    const { readSnapshotLog } = await import('./snapshotLog.js');
    const rows = choices.map(({ tensor }) => tensors.findIndex(({ name }) => name === tensor));
    for (const { epoch, values } of readSnapshotLog(log, tensors))
      if (epoch >= firstSnapshot)
        yield { epoch, values: concatenate(choices.map(({ indices }, i) => pick(values[rows[i]], indices))) };
    return;
  }
  let snapshots = 0;
  for (const file of files) {
    const most = snapshotsRecorded - snapshots;
    snapshots += yield* readWeightsFile(runDirectory, file, tensors, choices, firstSnapshot, most);
  }
  if (snapshots !== snapshotsRecorded) {
    throw new CorruptFileError({
      what: `run holds ${snapshots} snapshots, its manifest says ${snapshotsRecorded}`,
      where: runDirectory,
      remedy: 'restore its weights-*.parquet from a copy, or delete the directory and record the run again',
    });
  }
}

function pick(values: Float32Array, indices: Uint32Array | null): Float32Array {
  return indices === null ? values : Float32Array.from(indices, (i) => values[i]);
}

function concatenate(arrays: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(arrays.reduce((sum, { length }) => sum + length, 0));
  let end = 0;
  for (const array of arrays) {
    all.set(array, end);
    end += array.length;
  }
  return all;
}
