// What predicts weights, seen from the callback: something that turns a window of recorded values into forecasts. The
// nowcaster is one; evaluate's curve fits are others.

import type { WnnCompute } from '../nowcaster/compute.js';
import { type ForecastOptions, forecast, horizonIndex } from '../nowcaster/forecast.js';
import type { Nowcaster } from '../nowcaster/nowcaster.js';
import { TRAINED_KINDS, type TrainedKind, type WnnSpec } from '../nowcaster/spec.js';

/** Turns windows of weights into forecasts. */
export interface Forecaster {
  /** Consecutive epochs that it looks at, 2 or more. */
  readonly windowLength: number;
  /** First epoch (from 0) at whose end it should be asked, unless the user says otherwise. Default 0. */
  readonly startEpoch?: number;
  /** How far to go, in times the way from a weight to its forecast, unless the user says otherwise. Default 1. */
  readonly reach?: number;
  /** Epochs from one nowcast to the next, unless the user says otherwise. Default: the window's length. */
  readonly period?: number;
  /** Kinds that it can forecast. */
  readonly kinds: readonly TrainedKind[];
  /**
   * Forecasts all values of one kind at once.
   *
   * @param history raw values, one array an epoch, `windowLength` of them, oldest first.
   * @param out receives the forecasts; may be the oldest of the history's arrays, so each value must be read before it
   * is written.
   * @param epoch the epoch at whose end it happens, from 0: the history's last.
   */
  forecast(kind: TrainedKind, history: readonly Float32Array[], out: Float32Array, epoch: number): Promise<void>;
  /** Frees what it holds; afterwards it cannot be used. */
  dispose(): Promise<void>;
}

/** Trained networks in memory: what the callback needs of a {@link Nowcaster}. */
export type NowcasterNetworks = Pick<Nowcaster, 'spec' | 'parameters'> &
  Partial<Pick<Nowcaster, 'startEpoch' | 'reach' | 'period'>>;

/** Epochs ahead to jump: always the same, or chosen at each nowcast from its epoch (from 0). */
export type HorizonChoice = number | ((epoch: number) => number);

/** Makes what runs the networks. */
export type ComputeFactory = (spec: WnnSpec) => WnnCompute | Promise<WnnCompute>;

/**
 * A forecaster that asks the nowcaster's networks. Its compute is made at the first forecast.
 *
 * @throws MismatchError when the nowcaster has no such horizon; at the nowcast where it is chosen then.
 */
export function createNowcasterForecaster(
  { spec, parameters, startEpoch = spec.inputLength - 1, reach, period }: NowcasterNetworks,
  createCompute: ComputeFactory,
  { horizon, bias }: { horizon?: HorizonChoice; bias?: ForecastOptions['bias'] } = {},
): Forecaster {
  const horizonAt = typeof horizon === 'function' ? horizon : () => horizon;
  if (typeof horizon !== 'function') horizonIndex(spec, horizon);
  let compute: Promise<WnnCompute> | undefined;
  return {
    windowLength: spec.inputLength,
    startEpoch,
    reach,
    period,
    kinds: TRAINED_KINDS.filter((kind) => parameters[kind] !== undefined),
    async forecast(kind, history, out, epoch) {
      compute ??= Promise.resolve(createCompute(spec));
      const options = { horizon: horizonAt(epoch), bias: kind === 'bias' ? bias : 'normal' } as const;
      await forecast(await compute, parameters[kind]!, history, out, options);
    },
    async dispose() {
      const made = compute;
      compute = undefined;
      await (await made)?.dispose();
    },
  };
}
