// The last few snapshots of a training run's weights, in buffers that are made once and written over and over.

/** A ring of snapshots: epoch e stands in slot e mod length. */
export class SnapshotWindow {
  readonly length: number;
  #slots: Float32Array[] = [];
  #last = -2;
  #consecutive = 0;

  /** @param length epochs that the window spans. */
  constructor(length: number) {
    this.length = length;
  }

  /** Forgets all snapshots and makes room for snapshots of `size` values; buffers of that size are kept. */
  reset(size: number): void {
    if (this.#slots[0]?.length !== size)
      this.#slots = Array.from({ length: this.length }, () => new Float32Array(size));
    this.forget();
  }

  /** Forgets all snapshots but keeps their buffers. */
  forget(): void {
    this.#last = -2;
    this.#consecutive = 0;
  }

  /** Frees the buffers. */
  release(): void {
    this.#slots = [];
    this.forget();
  }

  /** The buffer to fill with the snapshot of an epoch; whatever stood there is lost. */
  slot(epoch: number): Float32Array {
    this.#consecutive = epoch === this.#last + 1 ? this.#consecutive + 1 : 1;
    this.#last = epoch;
    return this.#slots[epoch % this.length];
  }

  /** Epochs without a gap up to the last one, at most `length` of which are held. */
  get consecutive(): number {
    return this.#consecutive;
  }

  /** The snapshots, oldest first, or null while fewer than `length` epochs in a row were recorded. */
  window(): Float32Array[] | null {
    if (this.#consecutive < this.length) return null;
    return Array.from({ length: this.length }, (_, i) => this.#slots[(this.#last + 1 + i) % this.length]);
  }
}
