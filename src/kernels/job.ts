// The shared memory of a thread pool, and the protocol by which threads take groups of a batch. The order in which
// groups are taken varies; the result does not, since each group's sums have their own place.

import { type ForecastOutput, LOSSES, type Loss } from '../network/compute.js';
import type { Network } from '../network/network.js';
import type { NowcasterSpec } from '../network/spec.js';
import { GROUPS, LARGEST_GROUP } from './groups.js';
import type { KernelInstance } from './kernels.js';

/** Capacity of the shared memory in samples: one job. */
export const JOB_SAMPLES = GROUPS * LARGEST_GROUP;

/** Indices into the control words. */
export const Word = {
  /** Job number in the upper 24 bits, next group to take in the lower 8. */
  state: 0,
  /** Counts jobs; workers wait on it. */
  bell: 1,
  /** Finished groups; the pool waits on it. */
  done: 2,
  samples: 3,
  groupSize: 4,
  groups: 5,
  /** One of {@link WorkCode}; for gradients, the code plus the loss's index in LOSSES. */
  work: 6,
  /** Incremented when the parameters change. */
  parametersVersion: 7,
  /** For a forecast: ForecastOutput.index, and 1 if its bias is `published`. */
  output: 8,
  published: 9,
} as const;

const WorkCode = { forward: 0, forecast: 1, gradients: 2 } as const;

/** The work of a job: outputs of samples, forecasts of raw values, or loss and gradients of samples. */
export type Work = 'forward' | ForecastOutput | Loss;

/** Lower bits of the state while a job is being written, so that no group can be taken. */
const CLOSED = 255;

/** The memory that the threads share. Can be posted in messages. */
export interface SharedJob {
  control: Int32Array<SharedArrayBuffer>;
  parameters: Float32Array<SharedArrayBuffer>;
  /** [JOB_SAMPLES, input width] samples; for a forecast the raw values, [L, JOB_SAMPLES]. */
  inputs: Float32Array<SharedArrayBuffer>;
  targets: Float32Array<SharedArrayBuffer>;
  /** [JOB_SAMPLES, horizons] outputs; for a forecast [JOB_SAMPLES] forecasts. */
  outputs: Float32Array<SharedArrayBuffer>;
  /** [groups, sums of a group]. */
  sums: Float32Array<SharedArrayBuffer>;
  losses: Float64Array<SharedArrayBuffer>;
}

/** Allocates the shared memory of a pool. */
export function allocateJob(spec: NowcasterSpec, { inputWidth, size }: Network, sumsLength: number): SharedJob {
  const floats = (length: number) => new Float32Array(new SharedArrayBuffer(4 * length));
  return {
    control: new Int32Array(new SharedArrayBuffer(4 * Object.keys(Word).length)),
    parameters: floats(size),
    inputs: floats(JOB_SAMPLES * Math.max(inputWidth, spec.inputLength)),
    targets: floats(JOB_SAMPLES * spec.horizons.length),
    outputs: floats(JOB_SAMPLES * spec.horizons.length),
    sums: floats(GROUPS * sumsLength),
    losses: new Float64Array(new SharedArrayBuffer(8 * GROUPS)),
  };
}

/** The raw values of a forecast, one array per snapshot. */
export function historyOf({ inputs }: SharedJob, { inputLength }: NowcasterSpec): Float32Array[] {
  return Array.from({ length: inputLength }, (_, i) => inputs.subarray(i * JOB_SAMPLES, (i + 1) * JOB_SAMPLES));
}

/** Closes the previous job, so that its fields may be overwritten. */
export function closeJob({ control }: SharedJob): void {
  const number = Atomics.load(control, Word.state) >>> 8;
  Atomics.store(control, Word.state, ((number + 1) << 8) | CLOSED);
}

/** Opens a job whose data has been written, and wakes the workers. Returns its number of groups. */
export function openJob({ control }: SharedJob, samples: number, groupSize: number, work: Work): number {
  const groups = Math.ceil(samples / groupSize);
  control[Word.done] = 0;
  control[Word.samples] = samples;
  control[Word.groupSize] = groupSize;
  control[Word.groups] = groups;
  if (typeof work === 'object') {
    control[Word.work] = WorkCode.forecast;
    control[Word.output] = work.index;
    control[Word.published] = work.bias === 'published' ? 1 : 0;
  } else control[Word.work] = work === 'forward' ? WorkCode.forward : WorkCode.gradients + LOSSES.indexOf(work);
  Atomics.store(control, Word.state, Atomics.load(control, Word.state) & ~CLOSED);
  Atomics.add(control, Word.bell, 1);
  Atomics.notify(control, Word.bell);
  return groups;
}

/**
 * Creates a function that takes groups of the open job until none is left and returns whether it finished the job's last
 * group. Tracks which parameters the kernels hold.
 */
export function makeGroupRunner(kernels: KernelInstance, job: SharedJob, spec: NowcasterSpec): () => boolean {
  const { control } = job;
  const history = historyOf(job, spec);
  let version = -1;

  function compute(group: number): void {
    const size = control[Word.groupSize];
    const first = group * size;
    const count = Math.min(size, control[Word.samples] - first);
    const work = control[Word.work];
    if (work === WorkCode.forward) kernels.forward(job.inputs, first, count, job.outputs);
    else if (work === WorkCode.forecast) {
      const bias = control[Word.published] === 1 ? 'published' : 'normal';
      kernels.forecast(history, first, count, { index: control[Word.output], bias }, job.outputs);
    } else {
      const loss = LOSSES[work - WorkCode.gradients];
      job.losses[group] = kernels.sumGroup(job.inputs, job.targets, first, count, loss);
      job.sums.set(kernels.sums, group * kernels.sums.length);
    }
  }

  return () => {
    const number = Atomics.load(control, Word.state) >>> 8;
    for (let ended = false; ; ) {
      // The fields belong to this job only if the compare-exchange below still finds its number in the state.
      const state = Atomics.load(control, Word.state);
      const group = state & 255;
      if (state >>> 8 !== number || group === CLOSED || group >= control[Word.groups]) return ended;
      if (Atomics.compareExchange(control, Word.state, state, state + 1) !== state) continue;
      if (version !== control[Word.parametersVersion]) {
        version = control[Word.parametersVersion];
        kernels.setParameters(job.parameters);
      }
      compute(group);
      ended = Atomics.add(control, Word.done, 1) + 1 === control[Word.groups];
      if (ended) Atomics.notify(control, Word.done);
    }
  };
}
