// Records a sample of the weights of each kind during a training, as a run of a trajectory store. Forecast errors and plots
// are computed from it.

import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import * as tfl from '@tensorflow/tfjs-layers';
import { accessModel, groupByKind, type WeightAccess } from '../callback/index.js';
import type { EvaluationJob } from '../evaluation/schema.js';
import { TRAINED_KINDS, type TrainedKind } from '../nowcaster/spec.js';
import { Random } from '../random.js';
import { findTask } from '../tasks/task.js';
import { MANIFEST_FILE, runDirectory } from '../trajectory/manifest.js';
import { RunWriter } from '../trajectory/runWriter.js';

/** Sampled weights per kind. */
const SAMPLE = 1000;

/** Name of the trajectory store in an evaluation's output directory. */
export const SAMPLE_STORE = 'trajectories';

/** The trajectory store of an evaluation's output directory. */
export function sampleStore(out: string): string {
  return join(out, SAMPLE_STORE);
}

/** Whether the sampled weights of a run are there; records that were copied without them are complete otherwise. */
export function hasSample(out: string, id: string): boolean {
  return existsSync(join(runDirectory(sampleStore(out), id), MANIFEST_FILE));
}

/** Name of the tensor that holds the sampled weights of a kind. */
export function sampleName(kind: TrainedKind): string {
  return `sample/${kind}`;
}

/**
 * Records the sampled weights at the end of every epoch, before other callbacks change them. All methods of a task and
 * seed sample the same weights.
 */
export class TrajectorySample extends tfl.Callback {
  /** Milliseconds spent on recording, to subtract from the training time. */
  milliseconds = 0;
  readonly #out: string;
  readonly #job: EvaluationJob;
  #tracked: WeightAccess | null = null;
  #indices: Uint32Array[] = [];
  #values = new Float32Array(0);
  #writer: RunWriter | null = null;

  constructor(out: string, job: EvaluationJob) {
    super();
    this.#out = out;
    this.#job = job;
  }

  override async onEpochEnd(epoch: number, logs: tfl.Logs = {}): Promise<void> {
    const started = performance.now();
    if (this.#tracked === null) this.#open(accessModel(this.model, { kinds: TRAINED_KINDS }));
    if (this.#writer !== null && this.#tracked !== null) {
      await this.#tracked.read(this.#values);
      const values = this.#indices.map((indices) => Float32Array.from(indices, (i) => this.#values[i]));
      if (values.every((sample) => sample.every(Number.isFinite)))
        await this.#writer.append({ epoch, values, metrics: { ...logs } });
    }
    this.milliseconds += performance.now() - started;
  }

  /** Ends the recording. */
  async finish(status: 'complete' | 'diverged'): Promise<void> {
    await this.#writer?.finish(status, status === 'diverged' ? 'loss or weights were not finite' : null);
  }

  #open(tracked: WeightAccess): void {
    const { id, task, seed, method, optimizer, batchSize, epochs } = this.#job;
    this.#tracked = tracked;
    if (tracked.size === 0) return;
    this.#values = new Float32Array(tracked.size);
    const groups = groupByKind(tracked.tensors);
    const kinds = groups.map(({ kind }) => kind);
    this.#indices = groups.map(({ kind, begin, end }) =>
      new Random(seed, 'sample', kind).sample(end - begin, SAMPLE).map((i) => i + begin),
    );
    const store = sampleStore(this.#out);
    // Leftover of an earlier attempt without results.
    rmSync(runDirectory(store, id), { recursive: true, force: true });
    const { data, architecture, options } = findTask(task);
    this.#writer = RunWriter.create(
      store,
      {
        id,
        source: 'zoo',
        task: data,
        architecture,
        optimizer,
        hyperparameters: { batchSize, ...options, method: method.name },
        seed,
        engine: this.#job.engine,
        epochsPlanned: epochs,
      },
      kinds.map((kind, k) => ({ name: sampleName(kind), kind, shape: [this.#indices[k].length] })),
    );
  }
}
