// Introspection as a training callback: at given epochs, every weight jumps to where the network sees it at twice the time.

import * as tfl from '@tensorflow/tfjs-layers';
import type { GuardBatch, Nowcast } from '../../../callback/index.js';
import { allFinite, applyForecast, skippedNowcast } from '../../../callback/nowcast.js';
import { TrackedTensors } from '../../../callback/trackedTensors.js';
import { TRAINED_KINDS } from '../../../nowcaster/spec.js';
import { forecastIntrospection, HISTORY_FRACTIONS } from './network.js';

/** The epochs (from 0) whose values the network sees when it jumps at the end of epoch `epoch`, newest first. */
export function historyEpochs(epoch: number): number[] {
  return HISTORY_FRACTIONS.map((fraction) => Math.round(fraction * epoch));
}

/** Replaces the same tensors as the nowcaster's callback, at epochs of its own. The optimizer's state is untouched. */
export class IntrospectionForecasting extends tfl.Callback {
  /** Jumps of the training, in order. */
  history: Nowcast[] = [];
  readonly #parameters: Float32Array;
  readonly #epochs: readonly number[];
  readonly #guard: GuardBatch | undefined;
  readonly #snapshots = new Map<number, Float32Array>();
  #tracked: TrackedTensors | null = null;

  /** @param epochs epochs (from 0) at whose end to jump. */
  constructor(parameters: Float32Array, epochs: readonly number[], guard?: GuardBatch) {
    super();
    this.#parameters = parameters;
    this.#epochs = epochs;
    this.#guard = guard;
  }

  override async onTrainBegin(): Promise<void> {
    this.history = [];
    this.#tracked = null;
    this.#snapshots.clear();
  }

  override async onEpochEnd(epoch: number): Promise<void> {
    const later = this.#epochs.filter((jump) => jump >= epoch);
    if (!later.some((jump) => historyEpochs(jump).includes(epoch))) return;
    const started = performance.now();
    this.#tracked ??= new TrackedTensors(this.model);
    const current = new Float32Array(this.#tracked.size);
    await this.#tracked.read(current);
    this.#snapshots.set(epoch, current);
    if (later.includes(epoch)) this.history.push(await this.#jump(epoch, this.#tracked, current, started));
    const needed = new Set(later.filter((jump) => jump > epoch).flatMap(historyEpochs));
    for (const held of this.#snapshots.keys()) if (!needed.has(held)) this.#snapshots.delete(held);
  }

  async #jump(epoch: number, tracked: TrackedTensors, current: Float32Array, started: number): Promise<Nowcast> {
    const scalars = {} as Nowcast['scalars'];
    for (const kind of TRAINED_KINDS) scalars[kind] = tracked.countOf(kind);
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
      return skippedNowcast({ epoch, reason, scalars, seconds });
    }
    const { guardSeconds, ...applied } = await applyForecast(this.model, tracked, { current, forecasts }, this.#guard);
    const seconds = (performance.now() - started) / 1000 - guardSeconds;
    return { epoch, scalars, seconds, ...applied };
  }
}
