// The training of one kind's network: steps, validations, rollbacks and checkpoints, from a fresh or a saved state to
// the end. Which kinds, which samples and which engine is decided in index.ts.

import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { writeFileAtomic } from '../atomic.js';
import { CorruptFileError, WnnError } from '../errors.js';
import type { NetworkCompute } from '../network/compute.js';
import { initParameters } from '../network/init.js';
import type { Network } from '../network/network.js';
import type { NowcasterSpec } from '../network/spec.js';
import { networkOf } from '../nowcaster/spec.js';
import { encodeWeights } from '../nowcaster/weightsFile.js';
import type { NoteListener, ProgressListener } from '../progress.js';
import { createAdamState, type IndexRange, stepAdam } from './adam.js';
import type { BatchFeed } from './batchFeed.js';
import {
  type BestState,
  copyOptimizerState,
  type RunningSums,
  type TrainingIdentity,
  type TrainingState,
  writeCheckpoint,
} from './checkpoint.js';
import { type MetricsLine, type MetricsLog, openMetricsLog, readMetrics } from './metricsLog.js';
import { addPenalties, clipGradient, normOfGradient } from './penalties.js';
import { learningRateAt } from './schedule.js';
import { type EventFile, openEventFile } from './tensorboard.js';
import { type BaselineErrors, meanOf, type ValidationSet } from './validation.js';

/** Names of a kind's files within its directory. */
export const CHECKPOINT_NAME = 'checkpoint.safetensors';
export const METRICS_NAME = 'metrics.jsonl';
const BEST_NAME = 'best.safetensors';

/** Consecutive rollbacks without a validation after which training fails. */
const MAX_ROLLBACKS = 5;
/** Gradients longer than this count as not finite: their squares would overflow Adam's float32 memory. */
const MAX_NORM = 1e18;
/** Minimum time between two reports. */
const REPORT_MS = 100;

/** Arguments of {@link trainKind}. */
export interface KindJob {
  identity: TrainingIdentity;
  /** Directory of the kind's files. */
  dir: string;
  compute: NetworkCompute;
  /** Name of the engine, for the record. */
  engine: string;
  feed: BatchFeed;
  validation: ValidationSet;
  trainSamples: number;
  /** State to resume from; null: initial parameters. */
  state: TrainingState | null;
  checkpointSeconds: number;
  /** Directory for the kind's TensorBoard events. */
  events?: string;
  signal?: AbortSignal;
  onProgress?: ProgressListener;
  onNote?: NoteListener;
  onMetrics?: (line: MetricsLine) => void;
}

const noSums = (): RunningSums => ({ loss: 0, samples: 0, penalty: 0, gradientNorm: 0, steps: 0 });

function createState({ spec, kind, settings }: TrainingIdentity, baselines: BaselineErrors): TrainingState {
  const parameters = initParameters(networkOf(spec), `${settings.seed}/${kind}`);
  const current = { parameters, adam: createAdamState(parameters.length) };
  return {
    step: 0,
    engine: '',
    current,
    good: copyOptimizerState(current),
    best: null,
    baselines,
    withoutImprovement: 0,
    rateFactor: 1,
    rollbacks: 0,
    rollbacksInARow: 0,
    sums: noSums(),
    metricsBytes: 0,
    prolonged: [],
    ended: null,
  };
}

/** Opens metrics.jsonl, truncated to its length in a state. */
function openMetrics(dir: string, keep: number): MetricsLog {
  const path = join(dir, METRICS_NAME);
  const size = existsSync(path) ? statSync(path).size : 0;
  if (size < keep)
    throw new CorruptFileError({
      what: `${size} bytes where the checkpoint beside it counts ${keep}`,
      where: path,
      remedy: 'put the file back, or give --restart to start over',
    });
  return openMetricsLog(path, keep);
}

/** Writes the TensorBoard events of the metrics so far, if requested, and keeps the file open for more. */
export function openEvents({ dir, events, identity }: Pick<KindJob, 'dir' | 'events' | 'identity'>): EventFile | null {
  return events === undefined
    ? null
    : openEventFile(events, identity.spec.horizons, readMetrics(join(dir, METRICS_NAME)));
}

/** Restores the last good state and halves the learning rate, or fails. */
function rollBack(job: KindJob, state: TrainingState, what: string): void {
  const { kind, settings } = job.identity;
  const at = `${kind}, step ${state.step + 1}`;
  if (state.rollbacksInARow === MAX_ROLLBACKS)
    throw new WnnError({
      what: `training does not stay finite (${what} after ${MAX_ROLLBACKS} rollbacks in a row)`,
      where: at,
      remedy: `lower --learning-rate (now ${settings.learningRate}) or give --gradient-clip 1, with --restart`,
    });
  state.rollbacks++;
  state.rollbacksInARow++;
  state.rateFactor /= 2;
  state.current = copyOptimizerState(state.good);
  state.sums = noSums();
  job.onNote?.(`${at}: ${what}; rolled back to the last good state and halved the learning rate`);
}

/** Uses one batch's loss and gradient: a step of the optimizer, or a rollback. */
function applyStep(
  job: KindJob,
  state: TrainingState,
  network: Network,
  decayed: readonly IndexRange[],
  gradients: Float32Array,
  loss: number,
  samples: number,
): void {
  const { settings } = job.identity;
  const { parameters, adam } = state.current;
  const penalty = addPenalties(network, parameters, gradients, settings);
  const norm = normOfGradient(gradients);
  if (!Number.isFinite(loss) || !(norm <= MAX_NORM)) {
    rollBack(job, state, Number.isFinite(loss) ? `gradient of length ${norm}` : `loss ${loss}`);
    return;
  }
  if (settings.gradientClip !== null) clipGradient(gradients, norm, settings.gradientClip);
  const rate = learningRateAt(state.step, settings) * state.rateFactor;
  stepAdam(parameters, gradients, adam, rate, settings.weightDecay, decayed);
  const { sums } = state;
  sums.loss += loss * samples;
  sums.samples += samples;
  sums.penalty += penalty;
  sums.gradientNorm += norm;
  sums.steps++;
}

/** Measures the current state on the held-out samples, keeps it if it is the best, and writes a line of metrics. */
async function validate(
  job: KindJob,
  state: TrainingState,
  metrics: MetricsLog,
  events: EventFile | null,
): Promise<void> {
  const { settings } = job.identity;
  // All steps since the last validation were rolled back: there is nothing new to measure.
  if (state.sums.steps === 0) return;
  const errors = await job.validation.measureNetwork(job.compute, state.current.parameters);
  const error = meanOf(errors.normalized);
  if (!Number.isFinite(error)) {
    rollBack(job, state, `validation error ${error}`);
    return;
  }
  const { sums } = state;
  const trainLoss = sums.loss / sums.samples;
  const best = state.best === null || error < state.best.error;
  if (best) state.best = { parameters: state.current.parameters.slice(), step: state.step, trainLoss, errors, error };
  state.withoutImprovement = best ? 0 : state.withoutImprovement + 1;
  const line: MetricsLine = {
    step: state.step,
    epoch: state.step / job.feed.stepsPerEpoch,
    learningRate: learningRateAt(state.step - 1, settings) * state.rateFactor,
    trainLoss,
    penalty: sums.penalty / sums.steps,
    gradientNorm: sums.gradientNorm / sums.steps,
    validationError: error,
    horizonErrors: errors.normalized,
    rawError: meanOf(errors.raw),
    best,
    rollbacks: state.rollbacks,
  };
  metrics.append(line);
  events?.append(line);
  job.onMetrics?.(line);
  state.good = copyOptimizerState(state.current);
  state.rollbacksInARow = 0;
  state.sums = noSums();
  if (settings.patience !== null && state.withoutImprovement >= settings.patience) state.ended = 'early';
}

/** Writes the best weights of a state unless the file exists already, and returns its bytes. */
export function saveBest(dir: string, spec: NowcasterSpec, best: BestState): Uint8Array {
  const path = join(dir, BEST_NAME);
  const bytes = encodeWeights(spec, best.parameters);
  if (!existsSync(path) || !readFileSync(path).equals(bytes)) writeFileAtomic(path, bytes);
  return bytes;
}

function saveState(job: KindJob, state: TrainingState, metrics: MetricsLog): void {
  metrics.flush();
  state.metricsBytes = metrics.bytes;
  if (state.best) saveBest(job.dir, job.identity.spec, state.best);
  writeCheckpoint(join(job.dir, CHECKPOINT_NAME), job.identity, state);
}

/** Samples used up to a step. */
function samplesBefore(step: number, { feed, identity, trainSamples }: KindJob): number {
  const epochs = Math.floor(step / feed.stepsPerEpoch);
  const within = (step % feed.stepsPerEpoch) * identity.settings.batchSize;
  return epochs * trainSamples + within;
}

function describeState(state: TrainingState, { feed, identity }: KindJob): string {
  const { plannedSteps } = identity.settings;
  const epoch = `epoch ${(state.step / feed.stepsPerEpoch).toFixed(1)}/${(plannedSteps / feed.stepsPerEpoch).toFixed(1)}`;
  const loss = state.sums.samples > 0 ? `  loss ${(state.sums.loss / state.sums.samples).toFixed(5)}` : '';
  return `${epoch}${loss}${state.best ? `  best ${state.best.error.toFixed(5)}` : ''}`;
}

/**
 * Waits for both, the second begun once the first has handed its work to other threads. Fails only when both have
 * ended, so that nothing still runs on their buffers. Gives signals and timers a turn.
 */
async function overlap<A, B>(first: Promise<A>, second: () => Promise<B>): Promise<[A, B]> {
  const begun = setImmediate().then(second);
  await Promise.allSettled([first, begun]);
  return [await first, await begun];
}

/**
 * Trains one kind to its end, from initial parameters or from a saved state that has not ended.
 *
 * @returns the state at the end, with `ended` and `best` set; saved, as is the best network.
 * @throws WnnError when training does not stay finite; WriteError when a file cannot be written; what reading samples
 *   throws; the signal's reason, after a checkpoint, when it is aborted.
 */
export async function trainKind(job: KindJob): Promise<TrainingState> {
  const { identity, compute, feed } = job;
  const { spec, kind, settings } = identity;
  const state = job.state ?? createState(identity, await job.validation.measureBaselines(spec));
  state.engine = job.engine;
  const metrics = openMetrics(job.dir, state.metricsBytes);
  const events = openEvents(job);
  try {
    const network = networkOf(spec);
    const decayed = network.layers.map((layer): IndexRange => [layer.kernel, layer.bias]);
    const gradients = new Float32Array(network.size);
    const resumed = samplesBefore(state.step, job);
    let reported = Number.NEGATIVE_INFINITY;
    let saved = performance.now();
    const report = () =>
      job.onProgress?.({
        task: `train ${kind}`,
        done: samplesBefore(state.step, job),
        total: samplesBefore(state.ended === null ? settings.plannedSteps : state.step, job),
        unit: 'samples',
        resumed,
        detail: describeState(state, job),
      });
    feed.seek(state.step);
    let batch = await feed.next();
    while (state.ended === null) {
      const now = performance.now();
      if (now - reported > REPORT_MS) {
        reported = now;
        report();
      }
      if (job.signal?.aborted || now - saved > job.checkpointSeconds * 1000) {
        saveState(job, state, metrics);
        job.signal?.throwIfAborted();
        saved = performance.now();
      }
      const isLast = state.step + 1 >= settings.plannedSteps;
      const [loss, following] = await overlap(
        compute.lossAndGradients(
          state.current.parameters,
          batch.inputs,
          batch.targets,
          batch.count,
          settings.loss,
          gradients,
        ),
        async () => (isLast ? batch : feed.next()),
      );
      applyStep(job, state, network, decayed, gradients, loss, batch.count);
      batch = following;
      state.step++;
      if (isLast || state.step % settings.validationSteps === 0) await validate(job, state, metrics, events);
      if (isLast) state.ended ??= 'planned';
    }
    if (state.best === null)
      throw new WnnError({
        what: 'training ended without a finite validation',
        where: kind,
        remedy: `lower --learning-rate (now ${settings.learningRate}) or give --gradient-clip 1, with --restart`,
      });
    saveState(job, state, metrics);
    report();
    return state;
  } finally {
    events?.close();
    metrics.close();
  }
}
