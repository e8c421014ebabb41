// Small synthetic trajectory stores for the tests of this stage, and what must become of them: every window worked out
// again, one at a time in float64, without the stage's code.

import type { TrainedKind } from '../../src/nowcaster/spec.js';
import { Random } from '../../src/random.js';
import { RunWriter } from '../../src/trajectory/runWriter.js';
import type { RunInfo, RunStatus, TensorSpec } from '../../src/trajectory/schema.js';

/** One run to make. */
export interface RunSketch {
  id: string;
  epochs: number;
  task?: string;
  architecture?: string;
  tensors?: TensorSpec[];
  status?: Exclude<RunStatus, 'recording'>;
  /** Number of each epoch; default 0, 1, 2, ... */
  epochNumber?: (i: number) => number;
  nowcasts?: RunInfo['nowcasts'];
  cadence?: RunInfo['cadence'];
  stepsPerEpoch?: number;
  /** Records every k-th snapshot alone, as a run of a coarser cadence would. */
  keepEvery?: number;
  /** Changes values as they are recorded. */
  touch?: (value: number, epoch: number, tensor: string, scalar: number) => number;
}

export const TENSORS: TensorSpec[] = [
  { name: 'conv/kernel', kind: 'conv', shape: [3, 3, 2, 4] },
  { name: 'conv/bias', kind: 'bias', shape: [4] },
  { name: 'bn/gamma', kind: 'norm', shape: [4] },
  { name: 'dense/kernel', kind: 'fc', shape: [16, 10] },
  { name: 'dense/bias', kind: 'bias', shape: [10] },
  { name: 'table/embeddings', kind: 'embedding', shape: [7, 2] },
  { name: 'bn/moving_mean', kind: 'statistics', shape: [4] },
  { name: 'bn/moving_variance', kind: 'norm', shape: [4] },
];

const sizeOf = ({ shape }: TensorSpec) => shape.reduce((product, size) => product * size, 1);

/** The recorded values of a run, `[epoch][tensor][scalar]`: a decaying walk, different for each scalar. */
export function valuesOf({ id, epochs, tensors = TENSORS, touch = (value) => value }: RunSketch): Float32Array[][] {
  const random = new Random(id, 'values');
  const state = tensors.map((tensor) => Float64Array.from({ length: sizeOf(tensor) }, () => random.normal() * 0.1));
  return Array.from({ length: epochs }, (_, epoch) =>
    tensors.map((tensor, t) =>
      Float32Array.from(state[t], (value, scalar) => {
        state[t][scalar] = value * 0.98 + (random.normal() * 0.05) / (1 + epoch);
        return touch(state[t][scalar], epoch, tensor.name, scalar);
      }),
    ),
  );
}

/** Records runs into a store, in small row groups and files. */
export async function makeStore(store: string, runs: readonly RunSketch[]): Promise<void> {
  for (const run of runs) {
    const { id, tensors = TENSORS, status = 'complete', epochNumber = (i: number) => i } = run;
    const info = {
      id,
      source: 'zoo' as const,
      task: run.task ?? 'mnist',
      architecture: run.architecture ?? 'lenet',
      optimizer: null,
      hyperparameters: {},
      seed: 1,
      engine: null,
      epochsPlanned: run.epochs,
      nowcasts: run.nowcasts,
      cadence: run.cadence,
      ...(run.stepsPerEpoch !== undefined && { stepsPerEpoch: run.stepsPerEpoch }),
    };
    const writer = RunWriter.create(store, info, tensors, { rowGroupBytes: 4096, partBytes: 20_000 });
    const { keepEvery = 1 } = run;
    const kept = valuesOf(run).filter((_, i) => (i + 1) % keepEvery === 0);
    for (const [i, values] of kept.entries()) await writer.append({ epoch: epochNumber(i), values, metrics: {} });
    await writer.finish(status, status === 'complete' ? null : 'for the test');
  }
}

/** One sample as the design defines it. */
export interface ReferenceSample {
  run: string;
  window: number[];
  targets: number[];
  scale: number;
}

/** All samples of a kind of a run, and how many windows give none, straight from the formulas. */
export function referenceOf(
  run: RunSketch,
  kind: TrainedKind,
  { length = 5, horizons = [5], stride = 1, firstSnapshot = 0, normalize = true } = {},
): { samples: ReferenceSample[]; still: number } {
  const values = valuesOf(run).slice(firstSnapshot);
  const far = Math.max(...horizons);
  const samples: ReferenceSample[] = [];
  let still = 0;
  for (const [t, tensor] of (run.tensors ?? TENSORS).entries()) {
    if (tensor.kind !== kind || /moving/.test(tensor.name)) continue;
    for (let scalar = 0; scalar < sizeOf(tensor); scalar++)
      for (let start = 0; start + length + far <= values.length; start += stride) {
        // Between the snapshots of epochs e and e + 1.
        const between = Array.from({ length: length + far - 1 }, (_, i) => firstSnapshot + start + i);
        if (run.nowcasts && between.some((e) => e >= run.nowcasts!.start && (e + 1) % run.nowcasts!.period === 0))
          continue;
        const w = Array.from({ length: length + far }, (_, i) => values[start + i][t][scalar]);
        const past = w.slice(0, length);
        const range = Math.max(...past) - Math.min(...past) + 1e-8 + 1e-5;
        const scale = normalize ? 2 * range : 1;
        if (past.every((value) => value === past[0])) {
          still++;
          continue;
        }
        samples.push({
          run: run.id,
          window: past.map((value) => (normalize ? (value - past[0]) / range / 2 : value)),
          targets: horizons.map((h) => (w[length - 1 + h] - w[length - 1]) / scale),
          scale,
        });
      }
  }
  return { samples, still };
}
