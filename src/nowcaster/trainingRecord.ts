// What the trainer writes down and the exporter reads: `train.json`, beside `<kind>/best.safetensors`. Types only: its check is
// checkTraining.ts's, reading and writing it are the stages' business.

import type { Loss } from '../network/compute.js';
import type { NowcasterSpec } from '../network/spec.js';
import type { SnapshotCadence } from '../trajectory/cadence.js';
import type { TrainedKind } from './spec.js';

/** Version of `train.json`; checked by every reader. */
export const TRAINING_SCHEMA_VERSION = 1;

/** Name of the record in a training's directory. */
export const TRAINING_RECORD_NAME = 'train.json';

/** Path of a kind's best weights, relative to the training's directory. */
export function bestWeightsPath(kind: TrainedKind): string {
  return `${kind}/best.safetensors`;
}

/** Mean absolute errors on the held-out runs, of three forecasts. */
export interface ForecastErrors {
  /** Forecast = the window's last value. */
  noChange: number;
  /** Forecast = least-squares line through the window, at the horizon. */
  linear: number;
  /** The trained network, in its best state. */
  network: number;
}

/** {@link ForecastErrors} of one horizon, in normalized units. */
export interface HorizonErrors extends ForecastErrors {
  /** Epochs past the window's last value. */
  horizon: number;
  /** The same, of the weights themselves. */
  raw: ForecastErrors;
}

/** The settings that decide what a training computes. Two trainings with equal settings and data give equal bytes. */
export interface TrainingSettings {
  seed: number;
  loss: Loss;
  batchSize: number;
  /** Optimizer steps that were planned; early stopping may end before. */
  plannedSteps: number;
  /** Optimizer steps between two validations. */
  validationSteps: number;
  learningRate: number;
  schedule: 'cosine' | 'constant';
  warmUpSteps: number;
  /** Decoupled weight decay of kernels, a share per step of the learning rate. */
  weightDecay: number;
  /** Greatest L2 norm of the whole gradient; null: not clipped. */
  gradientClip: number | null;
  /** Training targets beyond +-this were clipped; null, or absent in older records: not clipped. */
  clipTarget: number | null;
  /** L1 penalty of the kernels and biases of the layers that the family penalizes. */
  kernelPenalty: number;
  biasPenalty: number;
  /** Validations without improvement after which training ends; null: never. */
  patience: number | null;
  /** Training samples shuffled together at once; less than all of them when they did not fit in memory. */
  shuffledTogether: number;
}

/** What came of one kind. */
export interface KindTraining {
  /** Samples trained on and samples of held-out runs. */
  trainSamples: number;
  validationSamples: number;
  /** Optimizer steps made, and passes over the training samples (a fraction when it ended within one). */
  steps: number;
  epochs: number;
  /** Step and epoch of the state that was kept. */
  bestStep: number;
  bestEpoch: number;
  /** Mean data loss of the batches between the last validation before the best state and it, in units of `loss`. */
  trainLoss: number;
  /**
   * Held-out errors of the best state, averaged over the horizons, in normalized units: of weights divided by twice
   * their window's range. Weights that stood still in the window and move after it weigh most here.
   */
  validation: ForecastErrors;
  /** The same errors of the weights themselves. */
  rawValidation: ForecastErrors;
  /** The same a horizon, ascending. */
  horizons: HorizonErrors[];
  /** Why it ended: all planned steps, or no improvement for `patience` validations. */
  ended: 'planned' | 'early';
  /** Planned steps of the trainings that it prolonged, ascending; absent: it was planned at this length. */
  prolonged?: number[];
  /** Steps undone because loss or gradient were not finite. */
  rollbacks: number;
  /** Path of the best weights relative to the record, and the SHA-256 of that file in hex. */
  weights: string;
  weightsSha256: string;
  /** Engine that computed it: `wasm`, `tensorflow`. */
  engine: string;
  settings: TrainingSettings;
}

/** A run that the samples came from. */
export interface TrainingRun {
  id: string;
  /** SHA-256 of the run's manifest and recorded weights, hex. */
  sha256: string;
  /** Which side of the split it was on. */
  split: 'train' | 'val';
  task: string | null;
  architecture: string | null;
  /** Snapshots that were read. */
  snapshots: number;
  /** Samples that it gave, all kinds together. */
  samples: number;
}

/** `train.json`. Holds no clock times, so that the same training gives the same bytes. */
export interface TrainingRecord {
  schemaVersion: typeof TRAINING_SCHEMA_VERSION;
  toolkitVersion: string;
  spec: NowcasterSpec;
  /** The kinds whose training has ended. */
  kinds: Partial<Record<TrainedKind, KindTraining>>;
  /** Where the samples came from. */
  dataset: {
    /** SHA-256 of `dataset.json`, in hex. */
    sha256: string;
    /** When the snapshots of the runs were taken. */
    cadence: SnapshotCadence;
    /** Seed of the sampling. */
    seed: number;
    /** First snapshot (from 0) of the runs that was sampled; a nowcaster knows no windows from before. Absent: 0. */
    firstSnapshot?: number;
    /** Kinds of which no run has a tensor, so that a nowcaster is whole without them. Absent: none. */
    withoutTensors?: TrainedKind[];
    runs: TrainingRun[];
  };
}
