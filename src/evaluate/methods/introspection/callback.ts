// Introspection as a training callback: after given epochs, every weight is replaced by the network's forecast for twice
// the time.

import * as tfl from '@tensorflow/tfjs-layers';
import type { Nowcast } from '../../../callback/index.js';
import { allFinite, countByKind, skippedNowcast } from '../../../callback/nowcast.js';
import { accessModel } from '../../../callback/trackedTensors.js';
import type { WeightAccess } from '../../../callback/weightAccess.js';
import { forecastIntrospection, HISTORY_FRACTIONS } from './network.js';

/** The epochs (from 0) whose values the network sees when it jumps at the end of epoch `epoch`, newest first. */
export function historyEpochs(epoch: number): number[] {
  return HISTORY_FRACTIONS.map((fraction) => Math.round(fraction * epoch));
}

/** Replaces the same tensors as the nowcaster's callback, at its own epochs. The optimizer's state is not changed. */
export class IntrospectionForecasting extends tfl.Callback {
  /** Jumps of the training, in order. */
  history: Nowcast[] = [];
  readonly #parameters: Float32Array;
  readonly #epochs: readonly number[];
  readonly #snapshots = new Map<number, Float32Array>();
  #weights: WeightAccess | null = null;
  /** The epoch after which a jump is due, when the next one begins. */
  #due: number | null = null;

  /** @param epochs epochs (from 0) after which to jump. */
  constructor(parameters: Float32Array, epochs: readonly number[]) {
    super();
    this.#parameters = parameters;
    this.#epochs = epochs;
  }

  override async onTrainBegin(): Promise<void> {
    this.history = [];
    this.#weights = null;
    this.#due = null;
    this.#snapshots.clear();
  }

  override async onEpochEnd(epoch: number): Promise<void> {
    const later = this.#epochs.filter((jump) => jump >= epoch);
    if (!later.some((jump) => historyEpochs(jump).includes(epoch))) return;
    this.#weights ??= accessModel(this.model);
    const current = new Float32Array(this.#weights.size);
    await this.#weights.read(current);
    this.#snapshots.set(epoch, current);
    if (later.includes(epoch)) this.#due = epoch;
  }

  override async onEpochBegin(): Promise<void> {
    const epoch = this.#due;
    if (epoch === null || this.#weights === null) return;
    this.#due = null;
    this.history.push(await this.#jump(epoch, this.#weights, this.#snapshots.get(epoch) as Float32Array));
    const later = this.#epochs.filter((jump) => jump > epoch);
    const needed = new Set(later.flatMap(historyEpochs));
    for (const held of this.#snapshots.keys()) if (!needed.has(held)) this.#snapshots.delete(held);
  }

  async #jump(epoch: number, weights: WeightAccess, current: Float32Array): Promise<Nowcast> {
    const started = performance.now();
    const facts = { snapshot: epoch, epoch, scalars: countByKind(weights), stepScale: 1 };
    const history = historyEpochs(epoch).map((needed) => this.#snapshots.get(needed));
    const forecasts = new Float32Array(current.length);
    let reason: string | null = null;
    if (history.some((snapshot) => snapshot === undefined)) reason = 'epochs of its history were not recorded';
    else {
      forecastIntrospection(this.#parameters, history as Float32Array[], forecasts);
      if (!allFinite(forecasts)) reason = 'the forecast is not finite (NaN or infinite)';
    }
    if (reason !== null) {
      const seconds = (performance.now() - started) / 1000;
      return skippedNowcast({ ...facts, reason, seconds });
    }
    weights.write(forecasts);
    const seconds = (performance.now() - started) / 1000;
    return { ...facts, seconds, outcome: 'kept', reason: null, probation: null };
  }
}
