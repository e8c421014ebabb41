// Cuts the windows of one run: keeps the drawn scalars of the last snapshots, normalizes each window, and drops those
// that give no sample. Handles one kind of tensors; does no I/O.

import type { InputColumns } from '../network/network.js';
import { type NowcastSchedule, nextNowcast } from '../nowcaster/schedule.js';
import { spanOf } from '../nowcaster/spec.js';
import type { DroppedWindows, SampleSpec } from '../samples/schema.js';
import { fillRows, inputColumns } from '../windows/inputs/index.js';
import type { TensorInfo } from '../windows/inputs/input.js';
import { normalizeWindows, targetOf } from '../windows/normalize.js';
import { RESTING_SCALE, type TensorStatistics, tensorStatistics } from '../windows/tensorStatistics.js';
import { furtherWidth } from './packets.js';
import { addTargets, createSketch, type TargetSketch } from './targetSketch.js';

/** Windows per block; a block fits the L1 cache. */
const BLOCK = 512;

/** The number of windows of one scalar within so many snapshots; each spans `span` of them. */
export function countStarts(snapshots: number, span: number, stride: number): number {
  return snapshots < span ? 0 : Math.floor((snapshots - span) / stride) + 1;
}

/** Maximum minus minimum of one scalar over some epochs; NaN when one of its values is NaN. */
function rangeOf(window: readonly Float32Array[], scalar: number): number {
  let minimum = window[0][scalar];
  let maximum = minimum;
  for (const values of window) {
    minimum = Math.min(minimum, values[scalar]);
    maximum = Math.max(maximum, values[scalar]);
  }
  return maximum - minimum;
}

/** The scalars drawn from one tensor, and their positions among the pushed values. */
export interface Draw {
  tensor: TensorInfo;
  /** Positions of the drawn scalars in their tensor; null: all scalars. */
  positions: Uint32Array | null;
  /** Position of the tensor's first value. */
  start: number;
  /** Positions of the drawn scalars relative to `start`; null: the `count` values from `start` on. */
  indices: Uint32Array | null;
  /** Number of drawn scalars. */
  count: number;
}

/** Window statistics of one kind in one run. */
export interface WindowStatistics {
  samples: number;
  dropped: Required<DroppedWindows>;
  /** One per horizon. */
  sketches: TargetSketch[];
}

/** The rule that selects windows. */
export interface CutRule {
  /** Snapshots between the starts of successive windows. */
  windowStride: number;
  /** Minimum range of a window, as a fraction of the root mean square of its tensor's ranges; 0 selects all. */
  minRange: number;
  /** When the run was nowcast: windows and targets across a nowcast are dropped. Default: never. */
  nowcasts?: NowcastSchedule;
}

/** Columns of finished samples; see `Samples` for their meaning. */
export interface CutSamples {
  windows: Float32Array;
  /** [count, width] row-major: the inputs other than the window, concatenated. */
  further: Float32Array;
  targets: Float32Array;
  scales: Float32Array;
}

/** Receives the first `count` samples of the columns. The columns are reused after the call. */
export type SampleSink = (samples: CutSamples, count: number) => void;

/** Cuts the windows of the drawn scalars of one kind of one run. Snapshots must be pushed in the order of epochs. */
export class WindowCutter {
  readonly statistics: WindowStatistics;
  /** Scalars drawn, all tensors together. */
  readonly scalars: number;
  readonly #spec: SampleSpec;
  readonly #rule: CutRule;
  readonly #draws: readonly Draw[];
  readonly #sink: SampleSink;
  /** Drawn scalars of the last snapshots, oldest first once it is full. */
  readonly #history: Float32Array[];
  readonly #epochs: number[];
  #pushed = 0;
  readonly #windows: Float32Array;
  /** The inputs other than the window, their values, and the positions of a block's scalars; may be empty. */
  readonly #inputs: readonly InputColumns[];
  readonly #further: Float32Array;
  readonly #furtherWidth: number;
  readonly #positions: Uint32Array;
  readonly #targets: Float32Array;
  readonly #origins = new Float64Array(BLOCK);
  readonly #scales = new Float64Array(BLOCK);
  readonly #storedScales = new Float32Array(BLOCK);
  /** 1 for each scalar whose range is too small; see {@link CutRule.minRange}. */
  readonly #small: Uint8Array;

  constructor(spec: SampleSpec, rule: CutRule, draws: readonly Draw[], sink: SampleSink) {
    const span = spanOf(spec);
    this.#spec = spec;
    this.#rule = rule;
    this.#draws = draws;
    this.#sink = sink;
    this.scalars = draws.reduce((sum, draw) => sum + draw.count, 0);
    this.#history = Array.from({ length: span }, () => new Float32Array(this.scalars));
    this.#epochs = new Array(span).fill(0);
    this.#small = new Uint8Array(this.scalars);
    this.#windows = new Float32Array(BLOCK * spec.inputLength);
    this.#inputs = inputColumns(spec.inputs.slice(1), spec);
    this.#furtherWidth = furtherWidth(this.#inputs);
    this.#further = new Float32Array(BLOCK * this.#furtherWidth);
    this.#positions = new Uint32Array(this.#inputs.length > 0 ? BLOCK : 0);
    this.#targets = new Float32Array(BLOCK * spec.horizons.length);
    this.statistics = {
      samples: 0,
      dropped: { zeroRange: 0, smallRange: 0, nonFinite: 0, pastDivergence: 0, snapshotGap: 0, nowcast: 0 },
      sketches: spec.horizons.map(createSketch),
    };
  }

  /** Adds the next snapshot and cuts the windows that it completes. */
  push(epoch: number, values: Float32Array): void {
    const history = this.#history;
    const span = history.length;
    const newest = history.shift() as Float32Array;
    history.push(newest);
    this.#epochs.shift();
    this.#epochs.push(epoch);
    let at = 0;
    for (const { start, indices, count } of this.#draws) {
      if (indices === null) newest.set(values.subarray(start, start + count), at);
      else for (let i = 0; i < count; i++) newest[at + i] = values[start + indices[i]];
      at += count;
    }
    this.#pushed++;
    if (this.#pushed < span || (this.#pushed - span) % this.#rule.windowStride !== 0) return;
    if (!this.#isEvenlySpaced()) this.statistics.dropped.snapshotGap += this.scalars;
    else if (this.#spansNowcast()) this.statistics.dropped.nowcast += this.scalars;
    else this.#cut();
  }

  #isEvenlySpaced(): boolean {
    const epochs = this.#epochs;
    return epochs.every((epoch, i) => i < 2 || epoch - epochs[i - 1] === epochs[1] - epochs[0]);
  }

  #spansNowcast(): boolean {
    const { nowcasts } = this.#rule;
    // Snapshots precede the nowcast of their epoch, so a nowcast after the last epoch does not matter.
    return nowcasts !== undefined && nextNowcast(nowcasts, this.#epochs[0]) < (this.#epochs.at(-1) as number);
  }

  /**
   * Marks the windows whose range is small compared to the ranges of the same tensor over the same epochs. Normalizing
   * such a window amplifies rounding and noise, and its target can be thousands of ranges away. Windows that are constant
   * or not finite are left out of the mean and are not marked.
   */
  #markSmallRanges(): void {
    const window = this.#history.slice(0, this.#spec.inputLength);
    let start = 0;
    for (const { count } of this.#draws) {
      const end = start + count;
      let squares = 0;
      let moving = 0;
      for (let j = start; j < end; j++) {
        const range = rangeOf(window, j);
        if (!(range > 0 && range < Number.POSITIVE_INFINITY)) continue;
        squares += range * range;
        moving++;
      }
      const least = moving === 0 ? 0 : this.#rule.minRange * Math.sqrt(squares / moving);
      for (let j = start; j < end; j++) {
        const range = rangeOf(window, j);
        this.#small[j] = range > 0 && range < least ? 1 : 0;
      }
      start = end;
    }
  }

  #cut(): void {
    const { inputLength: length, horizons } = this.#spec;
    const history = this.#history;
    const last = history[length - 1];
    const samples = {
      windows: this.#windows,
      further: this.#further,
      targets: this.#targets,
      scales: this.#storedScales,
    };
    if (this.#rule.minRange > 0) this.#markSmallRanges();
    const statistics = this.#measureTensors();
    for (let start = 0; start < this.scalars; start += BLOCK) {
      const count = Math.min(BLOCK, this.scalars - start);
      this.#normalize(start, count, statistics);
      for (let h = 0; h < horizons.length; h++) {
        const future = history[length - 1 + horizons[h]];
        for (let j = 0, to = h; j < count; j++, to += horizons.length)
          this.#targets[to] = targetOf(future[start + j], last[start + j], this.#scales[j]);
      }
      if (this.#inputs.length > 0) this.#fillInputs(start, count, statistics);
      const kept = this.#compact(start, count);
      for (let h = 0; h < horizons.length; h++)
        addTargets(this.statistics.sketches[h], this.#targets, kept, h, horizons.length);
      this.statistics.samples += kept;
      this.#sink(samples, kept);
    }
  }

  /** Statistics of each draw's tensor over the window, from its drawn scalars; empty where nothing needs them. */
  #measureTensors(): TensorStatistics[] {
    const { normalization, inputLength } = this.#spec;
    if (normalization !== 'tensor' && this.#inputs.length === 0) return [];
    let first = 0;
    return this.#draws.map(({ count }) => {
      const statistics = tensorStatistics(this.#history, first, count, inputLength);
      first += count;
      return statistics;
    });
  }

  /** Calls `visit` for the scalars [from, to) of each draw that are among `count` from `start` on. */
  #eachDraw(
    start: number,
    count: number,
    visit: (draw: number, first: number, from: number, to: number) => void,
  ): void {
    let first = 0;
    for (const [i, { count: drawn }] of this.#draws.entries()) {
      const from = Math.max(start, first);
      const to = Math.min(start + count, first + drawn);
      if (from < to) visit(i, first, from, to);
      first += drawn;
    }
  }

  #normalize(start: number, count: number, statistics: readonly TensorStatistics[]): void {
    const [spec, history] = [this.#spec, this.#history];
    if (spec.normalization !== 'tensor') {
      normalizeWindows(spec, history, start, count, this.#windows, this.#origins, this.#scales);
      return;
    }
    this.#eachDraw(start, count, (i, _, from, to) => {
      const windows = this.#windows.subarray((from - start) * spec.inputLength);
      const [origins, scales] = [this.#origins.subarray(from - start), this.#scales.subarray(from - start)];
      normalizeWindows(spec, history, from, to - from, windows, origins, scales, statistics[i]);
    });
  }

  /** Computes the inputs other than the window for `count` scalars from `start` on, tensor by tensor. */
  #fillInputs(start: number, count: number, statistics: readonly TensorStatistics[]): void {
    const length = this.#spec.inputLength;
    const width = this.#furtherWidth;
    this.#eachDraw(start, count, (i, first, from, to) => {
      const { tensor, positions } = this.#draws[i];
      for (let j = from; j < to; j++) this.#positions[j - from] = positions === null ? j - first : positions[j - first];
      fillRows(
        this.#inputs,
        {
          spec: this.#spec,
          tensor,
          statistics: statistics[i],
          count: to - from,
          positions: this.#positions,
          history: this.#history,
          start: from,
          windows: this.#windows.subarray((from - start) * length),
          scales: this.#scales.subarray(from - start),
        },
        this.#further.subarray((from - start) * width),
      );
    });
  }

  /**
   * Moves the valid samples among the `count` windows from scalar `start` on to the front and counts the dropped ones.
   * Returns the number of samples.
   */
  #compact(start: number, count: number): number {
    const length = this.#spec.inputLength;
    const horizons = this.#spec.horizons.length;
    const windows = this.#windows;
    const targets = this.#targets;
    const scales = this.#storedScales;
    const further = this.#further;
    const width = this.#furtherWidth;
    const { dropped } = this.statistics;
    const byTensor = this.#spec.normalization === 'tensor';
    let kept = 0;
    for (let j = 0; j < count; j++) {
      const from = j * length;
      const first = windows[from];
      let moves = false;
      // x - x is 0 for finite x and NaN otherwise, and NaN survives the sum.
      scales[kept] = this.#scales[j];
      let finite = scales[kept] - scales[kept];
      for (let i = 0; i < length; i++) {
        const value = windows[from + i];
        if (value !== first) moves = true;
        finite += value - value;
      }
      for (let h = j * horizons; h < (j + 1) * horizons; h++) finite += targets[h] - targets[h];
      for (let i = j * width; i < (j + 1) * width; i++) finite += further[i] - further[i];
      if (finite !== 0) {
        dropped.nonFinite++;
        continue;
      }
      // By tensor, a weight that rests in a tensor that moves is a sample like others.
      if (!moves && !(byTensor && this.#scales[j] > RESTING_SCALE)) {
        dropped.zeroRange++;
        continue;
      }
      if (this.#small[start + j] === 1) {
        dropped.smallRange++;
        continue;
      }
      if (kept < j) {
        windows.copyWithin(kept * length, from, from + length);
        targets.copyWithin(kept * horizons, j * horizons, (j + 1) * horizons);
        if (width > 0) further.copyWithin(kept * width, j * width, (j + 1) * width);
      }
      kept++;
    }
    return kept;
  }
}
