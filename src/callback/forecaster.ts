// What predicts weights, seen from the callback: it turns a window of recorded snapshots into forecasts. The nowcaster is
// one; the curve fits of evaluate are others.

import { UsageError } from '../errors.js';
import type { NetworkCompute } from '../network/compute.js';
import type { NowcasterSpec } from '../network/spec.js';
import { type ForecastOptions, forecast, horizonIndex, type TensorExtent } from '../nowcaster/forecast.js';
import type { Nowcaster } from '../nowcaster/nowcaster.js';
import { defaultRecommendation, type Recommendation } from '../nowcaster/recommendation.js';
import { inputsOf, TRAINED_KINDS, type TrainedKind } from '../nowcaster/spec.js';
import { either, FUNCTION, listOf, NUMBER, oneOf, requireOptions } from '../optionTypes.js';
import type { SnapshotCadence } from '../trajectory/cadence.js';
import { isWindowOnly } from '../windows/inputs/index.js';
import type { TrackedTensor } from './weightAccess.js';

/** The last snapshots of the tensors that a nowcast replaces. */
export interface SnapshotHistory {
  /** Name, kind, shape and place of each tensor, those of one kind together. */
  tensors: readonly TrackedTensor[];
  /** Raw values of all tensors, one flat array a snapshot, oldest first. */
  snapshots: readonly Float32Array[];
  /** Number (from 0) of the last one. */
  snapshot: number;
  /** Part of the training that has ended, from 0 to 1; null where its length is not known. */
  done: number | null;
}

/** Turns snapshots of weights into forecasts. */
export interface Forecaster {
  /** Consecutive snapshots that it looks at, 2 or more; means of snapshots where it has them averaged. */
  readonly windowLength: number;
  /**
   * Snapshots of which each value of its window is the mean; only their sums are kept. The mean of the last ones is then
   * what a forecast starts from, and the period is a multiple of it. Default 1.
   */
  readonly averaged?: number;
  /** The cadence of snapshots that it is made for. Default: every epoch. */
  readonly cadence?: SnapshotCadence;
  /** Whether its forecasts depend on the part of the training that has ended, so that its length must be known. Default false. */
  readonly needsLength?: boolean;
  /** Whether it was trained at its cadence, so that another one is worth a note. Default true. */
  readonly trained?: boolean;
  /** When it should be asked and how far to go. Default: once a window's length from epoch 0, step scale 1. */
  readonly recommended?: Partial<Recommendation>;
  /**
   * Whether the forecast of a scalar depends on more than its own window, e.g. on its tensor. `wnn evaluate` measures
   * forecast errors, for which it samples scalars, of the others only. Default false.
   */
  readonly looksAtTensors?: boolean;
  /** Kinds that it can forecast. Tensors of other kinds are not among those that it is given. */
  readonly kinds: readonly TrainedKind[];
  /** Kinds that are forecast unless the options name others. Default: all that it can forecast. */
  readonly defaultKinds?: readonly TrainedKind[];
  /**
   * Forecasts all values.
   *
   * @param out receives the forecasts, laid out like a snapshot; may be the oldest of the snapshots, so each value must be
   * read before it is written.
   */
  forecast(history: SnapshotHistory, out: Float32Array): Promise<void>;
  /** Frees what it holds; afterwards it cannot be used. */
  dispose(): Promise<void>;
}

/** Trained networks in memory: what the callback needs of a {@link Nowcaster}. */
export type NowcasterNetworks = Pick<Nowcaster, 'spec' | 'parameters'> &
  Partial<Pick<Nowcaster, 'recommended' | 'cadence'>>;

/**
 * Snapshots ahead to jump: always the same; a list, each for an equal part of the training, whose length must be known; or chosen at
 * each nowcast from its snapshot (from 0).
 */
export type HorizonChoice = number | readonly number[] | ((snapshot: number) => number);

/** The horizon of a nowcast. */
function horizonAt(choice: HorizonChoice | undefined, { snapshot, done }: SnapshotHistory): number | undefined {
  if (typeof choice === 'function') return choice(snapshot);
  if (typeof choice !== 'object') return choice;
  return choice[Math.min(choice.length - 1, Math.floor((done ?? 0) * choice.length))];
}

/** The type of {@link HorizonChoice}. */
export const HORIZON = either(NUMBER, listOf(NUMBER), FUNCTION);

/** Makes what runs the networks. */
export type ComputeFactory = (spec: NowcasterSpec) => NetworkCompute | Promise<NetworkCompute>;

/**
 * A forecaster that asks the nowcaster's networks. Its compute is made at the first forecast.
 *
 * @throws MismatchError when the nowcaster has no such horizon, at the nowcast where a function chooses it; UsageError for an empty
 * list.
 */
export function createNowcasterForecaster(
  { spec, parameters, recommended = defaultRecommendation(spec), cadence }: NowcasterNetworks,
  createCompute: ComputeFactory,
  options: { horizon?: HorizonChoice; bias?: ForecastOptions['bias'] } = {},
): Forecaster {
  requireOptions('createNowcasterForecaster', options, {
    horizon: HORIZON,
    bias: oneOf('normal', 'published'),
  });
  const { horizon, bias } = options;
  if (typeof horizon !== 'function')
    for (const one of typeof horizon === 'object' ? horizon : [horizon]) horizonIndex(spec, one);
  if (typeof horizon === 'object' && horizon.length === 0)
    throw new UsageError({
      what: 'no horizon',
      where: 'horizon []',
      remedy: `give some of ${spec.horizons.join(', ')}`,
    });
  let compute: Promise<NetworkCompute> | undefined;
  return {
    windowLength: spec.inputLength,
    recommended,
    cadence,
    needsLength: typeof horizon === 'object',
    looksAtTensors: !isWindowOnly(inputsOf(spec.family)) || spec.normalization === 'tensor',
    kinds: TRAINED_KINDS.filter((kind) => parameters[kind] !== undefined),
    async forecast(window, out) {
      const { tensors, snapshots } = window;
      const ahead = horizonAt(horizon, window);
      compute ??= Promise.resolve(createCompute(spec));
      const opened = await compute;
      for (const { kind, begin, end, tensors: extents } of groupByKind(tensors)) {
        const history = snapshots.map((values) => values.subarray(begin, end));
        await forecast(opened, parameters[kind]!, history, out.subarray(begin, end), {
          horizon: ahead,
          bias: kind === 'bias' ? bias : 'normal',
          tensors: extents,
        });
      }
    },
    async dispose() {
      const made = compute;
      compute = undefined;
      await (await made)?.dispose();
    },
  };
}

/** The tensors of one kind, which stand together in [begin, end) of a snapshot. */
export interface KindGroup {
  kind: TrainedKind;
  begin: number;
  end: number;
  /** Their offsets count from `begin`. */
  tensors: TensorExtent[];
}

/** Groups tensors, those of one kind together, by kind. */
export function groupByKind(tensors: readonly TrackedTensor[]): KindGroup[] {
  const groups: KindGroup[] = [];
  for (const tensor of tensors) {
    let group = groups.at(-1);
    if (group?.kind !== tensor.kind) {
      group = { kind: tensor.kind, begin: tensor.offset, end: tensor.offset, tensors: [] };
      groups.push(group);
    }
    group.tensors.push({ ...tensor, offset: tensor.offset - group.begin });
    group.end = tensor.offset + tensor.size;
  }
  return groups;
}
