// Who records a run: one recorder at a time. Of two in one process the later, since a training that threw leaves its recorder
// behind; of two processes the earlier.

import { dirname, resolve } from 'node:path';
import { UsageError } from '../errors.js';
import { tryClaim } from '../files/claim.js';
import { clearLeftovers } from '../files/temporary.js';

/** The runs that this process records, by their directories. */
const recordings = new Map<string, RecordingClaim>();

/** The right to record a run. It ends with the process. */
export class RecordingClaim {
  readonly #directory: string;
  readonly #free: () => void;
  readonly #onLoss: () => void;

  private constructor(directory: string, free: () => void, onLoss: () => void) {
    this.#directory = directory;
    this.#free = free;
    this.#onLoss = onLoss;
  }

  /**
   * Takes the right to record a run, also from an earlier recorder of this process.
   *
   * @param directory the run's.
   * @param onLoss called when a later recorder takes it.
   * @throws {@link UsageError} when another process has it; WriteError.
   */
  static take(directory: string, onLoss: () => void): RecordingClaim {
    const key = resolve(directory);
    const earlier = recordings.get(key);
    if (earlier !== undefined) {
      earlier.release();
      earlier.#onLoss();
    }
    // Not the claim of the directory itself: whoever has that one may record into it.
    const path = `${directory}.recording`;
    clearLeftovers(dirname(path), path);
    const free = tryClaim(path);
    if (free === null)
      throw new UsageError({
        what: 'another process is recording this run',
        where: directory,
        remedy: 'choose another id, or wait until it has ended (10 minutes after it was killed on another machine)',
      });
    const claim = new RecordingClaim(key, free, onLoss);
    recordings.set(key, claim);
    return claim;
  }

  /** @throws {@link UsageError} when another recorder has taken the run. */
  require(): void {
    if (recordings.get(this.#directory) === this) return;
    throw new UsageError({
      what: 'another recorder of this process has taken the run over',
      where: this.#directory,
      remedy: 'give each recorder an id of its own',
    });
  }

  /** Lets others record the run. */
  release(): void {
    if (recordings.get(this.#directory) === this) recordings.delete(this.#directory);
    this.#free();
  }
}
