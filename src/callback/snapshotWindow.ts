// The last few snapshots of a training run's weights, in buffers that are made once and written over and over.

/** What a window holds. */
export interface WindowState {
  /** The buffers of the ring; empty when none has been made. */
  slots: Float32Array[];
  /** Number of the last snapshot. */
  last: number;
  /** Snapshots without a gap up to it. */
  consecutive: number;
}

/** A ring of snapshots: snapshot s stands in slot s mod length. */
export class SnapshotWindow {
  readonly length: number;
  #slots: Float32Array[] = [];
  #last = -2;
  #consecutive = 0;

  /** @param length snapshots that the window spans. */
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

  /** The buffer to fill with a snapshot of that number; whatever stood there is lost. */
  slot(snapshot: number): Float32Array {
    this.#consecutive = snapshot === this.#last + 1 ? this.#consecutive + 1 : 1;
    this.#last = snapshot;
    return this.#slots[snapshot % this.length];
  }

  /** Snapshots without a gap up to the last one, at most `length` of which are held. */
  get consecutive(): number {
    return this.#consecutive;
  }

  /** A copy of what the window holds. */
  state(): WindowState {
    return { slots: this.#slots.map((slot) => slot.slice()), last: this.#last, consecutive: this.#consecutive };
  }

  /** Puts back what {@link state} returned, for a window that was reset to the same size. */
  restore({ slots, last, consecutive }: WindowState): void {
    for (const [i, slot] of slots.entries()) this.#slots[i].set(slot);
    this.#last = last;
    this.#consecutive = consecutive;
  }

  /** The snapshots, oldest first, or null while fewer than `length` snapshots in a row were recorded. */
  window(): Float32Array[] | null {
    if (this.#consecutive < this.length) return null;
    return Array.from({ length: this.length }, (_, i) => this.#slots[(this.#last + 1 + i) % this.length]);
  }
}
