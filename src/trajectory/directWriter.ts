// Writes a run at once, without a log: for who makes it beside the store and moves it in when it is whole. What is recorded
// as a training goes on is written by runWriter.ts.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { asWriteError } from '../atomic.js';
import { newManifest, runDirectory, writeManifest } from './manifest.js';
import { type EpochMetrics, writeMetricsParquet } from './metricsParquet.js';
import { writePositions } from './positions.js';
import { METRICS_FILE } from './runReader.js';
import { checkPositions, type Positions } from './sampling.js';
import type { RunInfo, RunManifest, RunStatus, Snapshot, TensorSpec, WeightsFile } from './schema.js';
import { writeWeightsParquet } from './weightsWriter.js';

/** Hands values from who has them to who asks for them, one at a time. */
class Handover<T> implements AsyncIterable<T> {
  #offered: { value: T; taken: () => void } | undefined;
  #arrived: () => void = () => {};
  #ended = false;

  /** Resolves when the value has been used. */
  give(value: T): Promise<void> {
    return new Promise((taken) => {
      this.#offered = { value, taken };
      this.#arrived();
    });
  }

  end(): void {
    this.#ended = true;
    this.#arrived();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      if (this.#offered === undefined && !this.#ended)
        await new Promise<void>((resolve) => {
          this.#arrived = resolve;
        });
      if (this.#offered === undefined) return;
      const { value, taken } = this.#offered;
      yield value;
      this.#offered = undefined;
      taken();
    }
  }
}

/** Writes one run from its first snapshot to its last. */
export class DirectRunWriter {
  readonly #directory: string;
  readonly #manifest: RunManifest;
  readonly #metrics: EpochMetrics[] = [];
  readonly #snapshots = new Handover<Snapshot>();
  readonly #files: Promise<WeightsFile[]>;

  /**
   * @param storeDirectory where the run's directory is made; it must not be there.
   * @param tensors what each snapshot will hold, in this order; names must be unique.
   * @param positions which scalars of the tensors with `sampledFrom` these are; with `info.scalarsPerTensor`.
   * @throws MismatchError for no tensors or two of one name, or positions that do not fit them; WriteError.
   */
  constructor(storeDirectory: string, info: RunInfo, tensors: TensorSpec[], positions?: Positions) {
    this.#manifest = newManifest(info, tensors);
    if (positions !== undefined) checkPositions(tensors, positions, `run ${info.id}`);
    this.#directory = runDirectory(storeDirectory, info.id);
    try {
      mkdirSync(this.#directory, { recursive: true });
    } catch (error) {
      throw asWriteError(error, this.#directory);
    }
    if (positions !== undefined) this.#manifest.positions = writePositions(this.#directory, positions);
    this.#files = writeWeightsParquet(this.#directory, tensors, this.#snapshots);
    // Reported by the next call.
    this.#files.catch(() => {});
  }

  /**
   * Writes a snapshot. Its values are used until the promise resolves, not after.
   *
   * @param snapshot values in the order and sizes of the tensors; epochs must ascend.
   * @throws WriteError when the disk is full.
   */
  async append(snapshot: Snapshot): Promise<void> {
    await Promise.race([this.#snapshots.give(snapshot), this.#files]);
    this.#metrics.push({ epoch: snapshot.epoch, metrics: snapshot.metrics });
  }

  /** Ends the run. @param reason why, for all but `complete`: one line. @throws WriteError */
  async finish(status: Exclude<RunStatus, 'recording'>, reason: string | null): Promise<RunManifest> {
    this.#snapshots.end();
    const files = await this.#files;
    const metrics = await writeMetricsParquet(join(this.#directory, METRICS_FILE), this.#metrics);
    const made = { snapshotsRecorded: this.#metrics.length, files, metrics, status, reason };
    const manifest: RunManifest = { ...this.#manifest, ...made };
    writeManifest(this.#directory, manifest);
    return manifest;
  }

  /** Lets go of the run, for a caller who is about to remove its directory. */
  async abandon(): Promise<void> {
    this.#snapshots.end();
    await this.#files.catch(() => {});
  }
}
