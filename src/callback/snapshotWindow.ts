// The last few snapshots of a training's weights, or means of some, in buffers that are made once and written over and
// over.

/** What a window holds. */
export interface WindowState {
  /** The buffers of the ring; empty when none has been made. */
  slots: Float32Array[];
  /** Number of the last snapshot. */
  last: number;
  /** Snapshots without a gap up to it. */
  consecutive: number;
}

/**
 * A ring of points, each a snapshot or the mean of `averaged` consecutive ones: snapshot s belongs to point
 * floor(s / averaged), which stands in slot point mod points. Of a mean only the running sum is held.
 */
export class SnapshotWindow {
  readonly #points: number;
  readonly #averaged: number;
  #slots: Float32Array[] = [];
  /** Where a snapshot is read before it is added to a sum; empty where there are no sums. */
  #scratch = new Float32Array(0);
  #last = -2;
  #consecutive = 0;

  /**
   * @param points that the window spans.
   * @param averaged snapshots a point.
   */
  constructor(points: number, averaged = 1) {
    this.#points = points;
    this.#averaged = averaged;
  }

  /** Snapshots that the window spans. */
  get length(): number {
    return this.#points * this.#averaged;
  }

  /** Buffers that it has, once it has any. */
  get slots(): number {
    return this.#points;
  }

  /** Forgets all snapshots and makes room for snapshots of `size` values; buffers of that size are kept. */
  reset(size: number): void {
    if (this.#slots[0]?.length !== size) {
      this.#slots = Array.from({ length: this.#points }, () => new Float32Array(size));
      this.#scratch = new Float32Array(this.#averaged > 1 ? size : 0);
    }
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
    this.#scratch = new Float32Array(0);
    this.forget();
  }

  /**
   * Records a snapshot.
   *
   * @param read fills the buffer that it is given; whatever stood there is lost.
   */
  async record(snapshot: number, read: (target: Float32Array) => Promise<void>): Promise<void> {
    this.#consecutive = snapshot === this.#last + 1 ? this.#consecutive + 1 : 1;
    this.#last = snapshot;
    const slot = this.#slots[Math.floor(snapshot / this.#averaged) % this.#points];
    if (this.#averaged === 1) {
      await read(slot);
      return;
    }
    const place = snapshot % this.#averaged;
    await read(place === 0 ? slot : this.#scratch);
    if (place > 0) for (let i = 0; i < slot.length; i++) slot[i] += this.#scratch[i];
    if (place === this.#averaged - 1) for (let i = 0; i < slot.length; i++) slot[i] /= this.#averaged;
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

  /** The points, oldest first, or null while fewer than `length` snapshots in a row were recorded, the last ending a point. */
  window(): Float32Array[] | null {
    if (this.#consecutive < this.length || (this.#last + 1) % this.#averaged !== 0) return null;
    const last = Math.floor(this.#last / this.#averaged);
    return Array.from({ length: this.#points }, (_, i) => this.#slots[(last + 1 + i) % this.#points]);
  }
}
