// Sizes of the whole pipeline, by name. `quick` shows a newcomer all of it in minutes; `tiny` only proves that every
// stage runs on a machine or an engine.

/** How large each stage is. */
export interface Preset {
  /** For `--help`. */
  describe: string;
  collect: {
    tasks: string[];
    /** Runs in all; they cycle over the tasks. */
    runs: number;
    epochs: number;
    trainExamples: number;
    validationExamples: number;
    /** Least and greatest learning rate. */
    learningRate: [low: number, high: number];
    batchSizes: number[];
  };
  dataset: { scalarsPerTensor: number; validationShare: number };
  train: { epochs: number; batchSize: number };
  evaluate: {
    tasks: string[];
    seeds: number[];
    epochs: number;
    trainExamples: number;
    validationExamples: number;
    batchSize: number;
  };
}

export const PRESET_NAMES = ['quick', 'tiny'] as const;
/** Name of a {@link Preset}. */
export type PresetName = (typeof PRESET_NAMES)[number];

const TASKS = ['mnist/lenet', 'mnist/mlp', 'mnist/simplenet'];

export const PRESETS: Record<PresetName, Preset> = {
  quick: {
    describe: '9 runs of three MNIST networks, 15 epochs each; a few minutes on 2 cores',
    collect: {
      tasks: TASKS,
      runs: 9,
      epochs: 15,
      trainExamples: 3000,
      validationExamples: 500,
      learningRate: [5e-4, 4e-3],
      batchSizes: [64, 128, 256],
    },
    dataset: { scalarsPerTensor: 10_000, validationShare: 0.34 },
    train: { epochs: 12, batchSize: 2048 },
    evaluate: {
      tasks: ['mnist/simplenet'],
      seeds: [101, 102, 103],
      epochs: 15,
      trainExamples: 3000,
      validationExamples: 1000,
      batchSize: 128,
    },
  },
  tiny: {
    describe: '4 runs on 64 images each; every stage, no result worth a look',
    // Few images: a GPU that is imitated in software takes seconds for one convolution of a batch.
    collect: {
      tasks: ['mnist/lenet', 'mnist/mlp'],
      runs: 4,
      epochs: 11,
      trainExamples: 64,
      validationExamples: 32,
      learningRate: [1e-3, 4e-3],
      batchSizes: [32, 64],
    },
    dataset: { scalarsPerTensor: 500, validationShare: 0.34 },
    train: { epochs: 2, batchSize: 256 },
    evaluate: {
      tasks: ['mnist/mlp'],
      seeds: [101],
      epochs: 6,
      trainExamples: 256,
      validationExamples: 128,
      batchSize: 64,
    },
  },
};
