// Records one run: opens its directory, appends snapshots to the log, turns the log into Parquet at the end.
// What an earlier, unfinished attempt at the same run recorded stays readable until this one has recorded as much.

import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { asWriteError } from '../atomic.js';
import { MismatchError, UsageError } from '../errors.js';
import { clearLeftovers, temporaryName } from '../files/temporary.js';
import { countValues, MANIFEST_FILE, newManifest, runDirectory, writeManifest } from './manifest.js';
import { type EpochMetrics, writeMetricsParquet } from './metricsParquet.js';
import { writePositions } from './positions.js';
import { RecordingClaim } from './recordingClaim.js';
import { isFinished, LOG_FILE, METRICS_FILE, readManifest } from './runReader.js';
import { checkPositions, type Positions } from './sampling.js';
import type { RunInfo, RunManifest, RunStatus, Snapshot, TensorSpec } from './schema.js';
import { readSnapshotLog, SnapshotLogWriter } from './snapshotLog.js';
import { type ParquetSizes, removeWeightsFiles, writeWeightsParquet } from './weightsWriter.js';

/** Records one run into a store. Made by {@link RunWriter.create}; one at a time has a run. */
export class RunWriter {
  /** The run's directory, `<store>/run=<id>`. */
  readonly directory: string;
  readonly #manifest: RunManifest;
  readonly #log: SnapshotLogWriter;
  readonly #claim: RecordingClaim;
  readonly #sizes: ParquetSizes;
  readonly #positions: Positions | undefined;
  /** Whole epochs of the earlier attempt that the log must reach before it takes that one's place; 0 when it has. */
  #toOvertake: number;
  #lastEpoch = Number.NEGATIVE_INFINITY;

  private constructor(
    directory: string,
    manifest: RunManifest,
    log: SnapshotLogWriter,
    claim: RecordingClaim,
    toOvertake: number,
    sizes: ParquetSizes,
    positions: Positions | undefined,
  ) {
    this.#positions = positions;
    this.directory = directory;
    this.#manifest = manifest;
    this.#log = log;
    this.#claim = claim;
    this.#toOvertake = toOvertake;
    this.#sizes = sizes;
  }

  /**
   * Opens a run for recording.
   *
   * @param storeDirectory the store; created where it is missing.
   * @param tensors what each snapshot will hold, in this order; names must be unique.
   * @param positions which scalars of the tensors with `sampledFrom` these are; with `info.scalarsPerTensor`.
   * @throws {@link UsageError} when the run is there and finished, another process records it, or the id is impossible;
   *   WriteError when the place cannot be written; {@link MismatchError} for no tensors or two of one name.
   */
  static create(
    storeDirectory: string,
    info: RunInfo,
    tensors: TensorSpec[],
    sizes: ParquetSizes = {},
    positions?: Positions,
  ): RunWriter {
    const directory = runDirectory(storeDirectory, info.id);
    const manifest = newManifest(info, tensors);
    if (positions !== undefined) checkPositions(tensors, positions, `run ${info.id}`);
    let log: SnapshotLogWriter | undefined;
    const claim = RecordingClaim.take(directory, () => void log?.close());
    try {
      const toOvertake = openRun(directory);
      const path = join(directory, LOG_FILE);
      // An earlier recorder of this process may still write to a log that it has open.
      if (toOvertake === 0) rmSync(path, { force: true });
      log = new SnapshotLogWriter(toOvertake > 0 ? temporaryName(path) : path, tensors, positions !== undefined);
      const writer = new RunWriter(directory, manifest, log, claim, toOvertake, sizes, positions);
      if (toOvertake === 0) writer.#begin();
      return writer;
    } catch (error) {
      void log?.close();
      claim.release();
      throw error;
    }
  }

  /** Writes what the snapshots to come are of. */
  #begin(): void {
    if (this.#positions !== undefined) this.#manifest.positions = writePositions(this.directory, this.#positions);
    writeManifest(this.directory, { ...this.#manifest, snapshotsRecorded: 0 });
  }

  /** Number of snapshots recorded so far. */
  get snapshotsRecorded(): number {
    return this.#manifest.snapshotsRecorded;
  }

  /**
   * Records one epoch. When the call returns its promise the epoch is with the operating system (a kill of this process
   * does not lose it); it is on the disk before the promise of the next call resolves.
   *
   * @param snapshot values in the order and sizes of the tensors given to {@link create}; epochs must ascend.
   * @throws WriteError when the disk is full, the epochs before stay readable; {@link MismatchError} when values do not
   *   fit the tensors; {@link UsageError} when another recorder has taken the run.
   */
  async append(snapshot: Snapshot): Promise<void> {
    this.#claim.require();
    this.#check(snapshot);
    await this.#log.append(snapshot);
    this.#lastEpoch = snapshot.epoch;
    this.#manifest.snapshotsRecorded++;
    if (this.#toOvertake > 0 && this.#manifest.snapshotsRecorded >= this.#toOvertake) await this.#overtake();
  }

  #check({ epoch, values, statistics }: Snapshot): void {
    const { tensors, id } = this.#manifest;
    const wrong = tensors.find(({ shape }, i) => values[i]?.length !== countValues(shape));
    if (values.length !== tensors.length || wrong !== undefined) {
      throw new MismatchError({
        what: wrong ? `tensor ${wrong.name} has another size than at the start` : 'another number of tensors',
        where: `run ${id}, epoch ${epoch}`,
        remedy: 'record a network whose tensors keep their shapes',
      });
    }
    if (this.#positions !== undefined && statistics?.length !== tensors.length) {
      throw new MismatchError({
        what: `statistics of ${statistics?.length ?? 0} tensors in place of ${tensors.length}`,
        where: `run ${id}, epoch ${epoch}`,
        remedy: 'give those of every tensor with each snapshot of a sampled run',
      });
    }
    if (!(epoch > this.#lastEpoch)) {
      throw new MismatchError({
        what: `epoch ${epoch} after epoch ${this.#lastEpoch}`,
        where: `run ${id}`,
        remedy: 'number the epochs upwards',
      });
    }
  }

  /** Puts this attempt's log in the place of the earlier attempt. From here on, readers see this attempt. */
  async #overtake(): Promise<void> {
    await this.#log.flush();
    try {
      renameSync(this.#log.path, join(this.directory, LOG_FILE));
      // A reader takes the log before the Parquet of an unfinished run, so a kill between these steps does no harm.
      this.#begin();
      removeWeightsFiles(this.directory);
      rmSync(join(this.directory, METRICS_FILE), { force: true });
    } catch (error) {
      throw asWriteError(error, this.directory);
    }
    this.#toOvertake = 0;
  }

  /**
   * Ends the run: the log becomes Parquet, then the manifest says the status, then the log goes. When this attempt ended
   * before it reached an earlier one, that one is kept and this one dropped, unless it is `diverged` or `complete`.
   *
   * @param reason why, for all but `complete`: one line.
   * @returns the manifest as it stands then.
   * @throws WriteError when the Parquet cannot be written; then the log stays and its epochs stay readable.
   *   {@link UsageError} when another recorder has taken the run.
   */
  async finish(status: Exclude<RunStatus, 'recording'>, reason: string | null = null): Promise<RunManifest> {
    this.#claim.require();
    try {
      if (this.#toOvertake > 0) {
        if (!isFinished(status)) {
          rmSync(this.#log.path, { force: true });
          return readManifest(this.directory);
        }
        await this.#overtake();
      }
      const { tensors } = this.#manifest;
      const metrics: EpochMetrics[] = [];
      const snapshots = readSnapshotLog({ descriptor: this.#log.descriptor, path: this.#log.path }, tensors, true);
      const files = await writeWeightsParquet(this.directory, tensors, collectMetrics(snapshots, metrics), this.#sizes);
      const checksum = await writeMetricsParquet(join(this.directory, METRICS_FILE), metrics);
      // Until here the disk has had time for the last epoch of the log.
      await this.#log.flush();
      const made = { snapshotsRecorded: metrics.length, files, metrics: checksum, status, reason };
      const manifest: RunManifest = { ...this.#manifest, ...made };
      writeManifest(this.directory, manifest);
      rmSync(join(this.directory, LOG_FILE), { force: true });
      return manifest;
    } finally {
      await this.#log.close();
      this.#claim.release();
    }
  }

  /** Lets go of the run as it stands, as a kill would. */
  abandon(): void {
    void this.#log.close();
    this.#claim.release();
  }
}

/**
 * Prepares the directory of a run that is to be recorded.
 *
 * @returns snapshots of an earlier, unfinished attempt.
 * @throws {@link UsageError} when the run is finished; WriteError.
 */
function openRun(directory: string): number {
  let snapshots = 0;
  if (existsSync(join(directory, MANIFEST_FILE))) {
    const earlier = readManifest(directory);
    if (isFinished(earlier.status)) {
      throw new UsageError({
        what: `run already recorded (${earlier.status})`,
        where: directory,
        remedy: 'choose another id, or delete that directory to record it again',
      });
    }
    snapshots = earlier.snapshotsRecorded;
  } else {
    try {
      mkdirSync(directory, { recursive: true });
    } catch (error) {
      throw asWriteError(error, directory);
    }
  }
  // Logs of killed attempts that had not overtaken an earlier one, and half-written files.
  clearLeftovers(directory);
  return snapshots;
}

/** Removes what is left in the directory of a finished run when its process was killed right after it had finished it. */
export function tidyFinishedRun(directory: string): void {
  rmSync(join(directory, LOG_FILE), { force: true });
  clearLeftovers(directory);
}

function* collectMetrics(snapshots: Iterable<Snapshot>, into: EpochMetrics[]): Generator<Snapshot> {
  for (const snapshot of snapshots) {
    into.push({ epoch: snapshot.epoch, metrics: snapshot.metrics });
    yield snapshot;
  }
}
