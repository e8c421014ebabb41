// The memory that the threads of a pool share, and the rule by which they take groups of a batch from it. The order
// in which groups are taken is left to chance; what comes of them is not, as each group's sums have a place of their own.

import { LOSSES, type Loss } from '../nowcaster/compute.js';
import { layoutOf } from '../nowcaster/layout.js';
import type { WnnSpec } from '../nowcaster/spec.js';
import { GROUPS, LARGEST_GROUP } from './groups.js';
import type { KernelInstance } from './instance.js';

/** Samples that the shared memory holds: those of one job. */
export const JOB_SAMPLES = GROUPS * LARGEST_GROUP;

/** Indices into the control words. */
export const Word = {
  /** Job number in the upper 24 bits, next group to take in the lower 8. */
  state: 0,
  /** Counts jobs; workers sleep on it. */
  bell: 1,
  /** Groups finished; the pool sleeps on it. */
  done: 2,
  samples: 3,
  groupSize: 4,
  groups: 5,
  /** 0 for forward, else 1 + the loss's place in LOSSES. */
  work: 6,
  /** Changes with the parameters. */
  parametersVersion: 7,
} as const;

/** Lower bits of the state while a job is being written: no group can be taken. */
const CLOSED = 255;

/** All memory that the threads share. Passes through `workerData` as it is. */
export interface SharedJob {
  control: Int32Array<SharedArrayBuffer>;
  parameters: Float32Array<SharedArrayBuffer>;
  windows: Float32Array<SharedArrayBuffer>;
  targets: Float32Array<SharedArrayBuffer>;
  answers: Float32Array<SharedArrayBuffer>;
  /** [groups, sums of a group]. */
  sums: Float32Array<SharedArrayBuffer>;
  losses: Float64Array<SharedArrayBuffer>;
}

/** Allocates the shared memory of a pool. */
export function allocateJob(spec: WnnSpec, sumsLength: number): SharedJob {
  const floats = (length: number) => new Float32Array(new SharedArrayBuffer(4 * length));
  return {
    control: new Int32Array(new SharedArrayBuffer(4 * Object.keys(Word).length)),
    parameters: floats(layoutOf(spec).size),
    windows: floats(JOB_SAMPLES * spec.inputLength),
    targets: floats(JOB_SAMPLES * spec.horizons.length),
    answers: floats(JOB_SAMPLES * spec.horizons.length),
    sums: floats(GROUPS * sumsLength),
    losses: new Float64Array(new SharedArrayBuffer(8 * GROUPS)),
  };
}

/** Closes the previous job, so that its fields may be overwritten. */
export function closeJob({ control }: SharedJob): void {
  const number = Atomics.load(control, Word.state) >>> 8;
  Atomics.store(control, Word.state, ((number + 1) << 8) | CLOSED);
}

/** Opens a job whose numbers have been written, and wakes the workers. */
export function openJob({ control }: SharedJob, samples: number, groupSize: number, loss: Loss | null): number {
  const groups = Math.ceil(samples / groupSize);
  control[Word.done] = 0;
  control[Word.samples] = samples;
  control[Word.groupSize] = groupSize;
  control[Word.groups] = groups;
  control[Word.work] = loss === null ? 0 : 1 + LOSSES.indexOf(loss);
  Atomics.store(control, Word.state, Atomics.load(control, Word.state) & ~CLOSED);
  Atomics.add(control, Word.bell, 1);
  Atomics.notify(control, Word.bell);
  return groups;
}

/** Takes groups of the open job until none is left. Remembers between calls which parameters the kernels hold. */
export function makeLabourer(kernels: KernelInstance, job: SharedJob): () => void {
  const { control } = job;
  let version = -1;
  return () => {
    const number = Atomics.load(control, Word.state) >>> 8;
    for (;;) {
      // The fields belong to this job only if the exchange below finds its number still in the state.
      const state = Atomics.load(control, Word.state);
      const group = state & 255;
      if (state >>> 8 !== number || group === CLOSED || group >= control[Word.groups]) return;
      if (Atomics.compareExchange(control, Word.state, state, state + 1) !== state) continue;
      if (version !== control[Word.parametersVersion]) {
        version = control[Word.parametersVersion];
        kernels.setParameters(job.parameters);
      }
      const size = control[Word.groupSize];
      const first = group * size;
      const count = Math.min(size, control[Word.samples] - first);
      const work = control[Word.work];
      if (work === 0) kernels.forward(job.windows, first, count, job.answers);
      else {
        job.losses[group] = kernels.sumGroup(job.windows, job.targets, first, count, LOSSES[work - 1]);
        job.sums.set(kernels.sums, group * kernels.sums.length);
      }
      if (Atomics.add(control, Word.done, 1) + 1 === control[Word.groups]) Atomics.notify(control, Word.done);
    }
  };
}
