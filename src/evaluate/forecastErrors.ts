// Forecast errors of each method on the weights of plain training. Measured on the sampled trajectories, for every window
// of every kind, in the normalized units of nowcaster training.

import type { Forecaster } from '../callback/index.js';
import type { ForecastErrors, ForecastExamples, Method } from '../evaluation/schema.js';
import { DEFAULT_KINDS, sortKinds, TRAINED_KINDS, type TrainedKind } from '../nowcaster/spec.js';
import { runDirectory } from '../trajectory/manifest.js';
import { readManifest, readSnapshots } from '../trajectory/runReader.js';
import { scaleOfExtent, targetOf } from '../windows/normalize.js';
import { findMethod } from './methods/registry.js';
import { sampleName, sampleStore } from './trajectorySample.js';

/** Forecast examples per kind that are kept for plots. */
const EXAMPLES = 200;

/** Sampled values of one kind, one array per epoch from 0. */
type Trajectory = Float32Array[];

/** Reads the sampled trajectories of a run. */
async function readSample(out: string, id: string): Promise<Partial<Record<TrainedKind, Trajectory>>> {
  const directory = runDirectory(sampleStore(out), id);
  const { tensors } = readManifest(directory);
  const result: Partial<Record<TrainedKind, Trajectory>> = {};
  for (const kind of TRAINED_KINDS) if (tensors.some(({ name }) => name === sampleName(kind))) result[kind] = [];
  for await (const { values } of readSnapshots(directory))
    for (const [t, { kind }] of tensors.entries()) result[kind as TrainedKind]?.push(values[t].slice());
  return result;
}

/** Scales of all windows that end in epoch `last`; 0 for constant windows. */
function windowScales(trajectory: Trajectory, last: number, length: number): Float64Array {
  const window = trajectory.slice(last + 1 - length, last + 1);
  return Float64Array.from(window[0], (_, j) => {
    let minimum = window[0][j];
    let maximum = minimum;
    for (const values of window) {
      minimum = Math.min(minimum, values[j]);
      maximum = Math.max(maximum, values[j]);
    }
    return maximum > minimum ? scaleOfExtent(minimum, maximum) : 0;
  });
}

interface Contender extends Pick<Forecaster, 'windowLength' | 'kinds' | 'defaultKinds' | 'forecast'> {
  method: string;
  horizon: number;
}

/** The forecasts of a contender for scalars of one kind, whatever tensors they were sampled from. */
async function forecastSample(contender: Contender, kind: TrainedKind, trajectory: Trajectory, epoch: number) {
  const snapshots = trajectory.slice(epoch + 1 - contender.windowLength, epoch + 1);
  const size = snapshots[0].length;
  const forecasts = new Float32Array(size);
  const tensors = [{ name: sampleName(kind), kind, shape: [size], offset: 0, size }];
  await contender.forecast({ tensors, snapshots, snapshot: epoch, done: 0 }, forecasts);
  return forecasts;
}

/** @param unitLength epochs whose range is the unit of errors, the same for all contenders. */
async function measureKind(
  kind: TrainedKind,
  trajectory: Trajectory,
  contender: Contender,
  unitLength: number,
): Promise<ForecastErrors> {
  const { method, horizon } = contender;
  const errors: ForecastErrors = { method, kind, horizon, epochs: [], byEpoch: [], mean: null, windows: 0 };
  let total = 0;
  for (let last = unitLength - 1; last + horizon < trajectory.length; last++) {
    const scales = windowScales(trajectory, last, unitLength);
    const forecasts = await forecastSample(contender, kind, trajectory, last);
    let sum = 0;
    let moved = 0;
    for (const [j, scale] of scales.entries()) {
      if (scale === 0) continue;
      sum += Math.abs(forecasts[j] - trajectory[last + horizon][j]) / scale;
      moved++;
    }
    errors.epochs.push(last);
    errors.byEpoch.push(moved > 0 && Number.isFinite(sum) ? sum / moved : null);
    total += sum;
    errors.windows += moved;
  }
  if (errors.windows > 0 && Number.isFinite(total)) errors.mean = total / errors.windows;
  return errors;
}

/** A few windows, spread over epochs and weights, with the forecasts of every contender. */
async function drawExamples(
  kind: TrainedKind,
  trajectory: Trajectory,
  contenders: readonly Contender[],
  windowLength: number,
  farthest: number,
): Promise<ForecastExamples> {
  const examples: ForecastExamples = { kind, epochs: [], windows: [], residuals: [], forecasts: [] };
  const ends: number[] = [];
  for (let last = windowLength - 1; last + farthest < trajectory.length; last++) ends.push(last);
  if (ends.length === 0) return examples;
  const each = Math.ceil(EXAMPLES / ends.length);
  for (const { method, horizon } of contenders) examples.forecasts.push({ method, horizon, residuals: [] });
  for (const last of ends) {
    const scales = windowScales(trajectory, last, windowLength);
    const moving = [...scales.keys()].filter((j) => scales[j] > 0);
    const step = Math.max(1, Math.floor(moving.length / each));
    const chosen = moving.filter((_, i) => i % step === last % step).slice(0, each);
    const residualOf = (value: number, j: number) => targetOf(value, trajectory[last][j], scales[j]);
    for (const j of chosen) {
      const origin = trajectory[last + 1 - windowLength][j];
      const window = trajectory.slice(last + 1 - windowLength, last + 1);
      examples.epochs.push(last);
      examples.windows.push(window.map((values) => (values[j] - origin) / scales[j]));
      const future = trajectory.slice(last + 1, last + 1 + farthest);
      examples.residuals.push(future.map((values) => residualOf(values[j], j)));
    }
    for (const [c, contender] of contenders.entries()) {
      const forecasts = await forecastSample(contender, kind, trajectory, last);
      for (const j of chosen) {
        const residual = residualOf(forecasts[j], j);
        examples.forecasts[c].residuals.push(Number.isFinite(residual) ? residual : null);
      }
    }
  }
  return examples;
}

/**
 * Measures the forecasts of all methods that have a forecaster on the sampled trajectories of plain runs.
 *
 * @param ids plain runs of one task, one per seed.
 * @returns errors of each method and kind, with `no change` at every horizon of theirs, averaged over the runs, all in units
 * of the longest window; and examples of the first run.
 */
export async function measureForecasts(
  out: string,
  ids: readonly string[],
  methods: readonly Method[],
): Promise<{ errors: ForecastErrors[]; examples: ForecastExamples[] }> {
  const forecasters = await Promise.all(methods.map((method) => findMethod(method.type).forecaster?.(method)));
  const contenders: Contender[] = [];
  for (const [m, forecaster] of forecasters.entries())
    if (forecaster !== undefined && !forecaster.looksAtTensors)
      contenders.push({ ...forecaster, method: methods[m].name });
  const windowLength = Math.max(5, ...contenders.map((contender) => contender.windowLength));
  const kinds = sortKinds([
    ...DEFAULT_KINDS,
    ...contenders.flatMap((contender) => contender.defaultKinds ?? contender.kinds),
  ]);
  const farthest = Math.max(5, ...contenders.map(({ horizon }) => horizon));
  const horizons = contenders.length > 0 ? contenders.map(({ horizon }) => horizon) : [farthest];
  const noChanges = [...new Set(horizons)]
    .sort((a, b) => a - b)
    .map(
      (horizon): Contender => ({
        method: 'no change',
        windowLength: 1,
        horizon,
        kinds,
        forecast: async ({ snapshots }, forecasts) => forecasts.set(snapshots[0]),
      }),
    );
  const errors: ForecastErrors[] = [];
  const examples: ForecastExamples[] = [];
  try {
    for (const [r, id] of ids.entries()) {
      const sample = await readSample(out, id);
      for (const kind of kinds) {
        const trajectory = sample[kind];
        if (trajectory === undefined) continue;
        const able = contenders.filter(({ kinds }) => kinds.includes(kind));
        for (const contender of [...noChanges, ...able])
          errors.push(await measureKind(kind, trajectory, contender, windowLength));
        if (r === 0) examples.push(await drawExamples(kind, trajectory, able, windowLength, farthest));
      }
    }
  } finally {
    await Promise.all(forecasters.map((forecaster) => forecaster?.dispose()));
  }
  return { errors: mergeRuns(errors), examples: examples.filter(({ epochs }) => epochs.length > 0) };
}

const meanOf = (values: readonly (number | null)[]) => {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
};

/** Averages the errors of each method and kind over runs. */
function mergeRuns(errors: readonly ForecastErrors[]): ForecastErrors[] {
  const groups = new Map<string, ForecastErrors[]>();
  for (const entry of errors) {
    const name = `${entry.kind} ${entry.method} ${entry.horizon}`;
    groups.set(name, [...(groups.get(name) ?? []), entry]);
  }
  return [...groups.values()].map((group) => {
    const longest = group.reduce((a, b) => (b.epochs.length > a.epochs.length ? b : a));
    return {
      ...longest,
      byEpoch: longest.epochs.map((_, i) => meanOf(group.map(({ byEpoch }) => byEpoch[i] ?? null))),
      mean: meanOf(group.map(({ mean }) => mean)),
      windows: group.reduce((sum, { windows }) => sum + windows, 0),
    };
  });
}
