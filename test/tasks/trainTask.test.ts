import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { UsageError } from '../../src/errors.js';
import { ImageExamples } from '../../src/tasks/images.js';
import { findTask } from '../../src/tasks/task.js';
import type { TaskData } from '../../src/tasks/taskData.js';
import { type TrainTaskOptions, trainTask } from '../../src/tasks/trainTask.js';

/** 8x8 images whose class is the half that is bright. */
function makeHalves(count: number): ImageExamples {
  const labels = Uint8Array.from({ length: count }, (_, i) => i % 2);
  const pixels = Uint8Array.from({ length: count * 64 }, (_, p) => {
    const bright = ((p % 64) / 8) % 8 < 4 === (labels[Math.floor(p / 64)] === 0);
    return (bright ? 180 : 20) + ((p * 31) % 50);
  });
  return new ImageExamples([8, 8, 1], pixels, labels);
}

const data: TaskData = {
  name: 'halves',
  inputShape: [8, 8, 1],
  classes: 2,
  train: makeHalves(22),
  validation: makeHalves(6),
};
const base: TrainTaskOptions = {
  task: findTask('mnist/mlp'),
  data,
  seed: 5,
  epochs: 3,
  batchSize: 8,
  options: { width: 0.125 },
  optimizer: { name: 'adam', learningRate: 0.01 },
};

/** Keeps the weights at the end of each epoch. */
class WeightLog extends tfl.Callback {
  readonly epochs: number[][] = [];
  readonly initial: number[] = [];
  network!: tfl.LayersModel;
  override setModel(model: tfl.LayersModel): void {
    this.network = model;
  }
  override async onTrainBegin(): Promise<void> {
    this.initial.push(...this.read());
  }
  override async onEpochEnd(_epoch: number): Promise<void> {
    this.epochs.push(this.read());
  }
  private read(): number[] {
    return this.network.getWeights().flatMap((weight) => Array.from(weight.dataSync()));
  }
}

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe('trainTask', () => {
  it('learns, and reports loss and accuracy of both parts for each epoch', async () => {
    const result = await trainTask({ ...base, epochs: 12 });
    expect(result.epochs).toBe(12);
    expect(result.diverged).toBe(false);
    expect(Object.keys(result.history).sort()).toEqual(['acc', 'loss', 'val_acc', 'val_loss']);
    expect(result.history.loss).toHaveLength(12);
    expect(result.history.loss[11]).toBeLessThan(result.history.loss[0] / 2);
    expect(result.history.val_acc[11]).toBe(1);
    // mlp of width 1/8: 64 -> 16 -> 8 -> 2
    expect(result.parameters).toBe(65 * 16 + 17 * 8 + 9 * 2);
  });

  it('takes so many examples an epoch as asked for, each once before any twice', async () => {
    const taken: number[] = [];
    const { train } = data;
    const counted = Object.assign(Object.create(train), {
      takeBatch: (indices: Uint32Array) => {
        taken.push(...indices);
        return train.takeBatch(indices);
      },
    });
    const sizes: number[] = [];
    const onBatchEnd = async (_batch: number, logs?: tfl.Logs) => {
      sizes.push(logs?.size ?? 0);
    };
    const options = { ...base, data: { ...data, train: counted }, batchSize: 4, epochExamples: 8, epochs: 4 };
    const { epochs } = await trainTask({ ...options, callbacks: [{ onBatchEnd }] });
    // 22 examples: the third epoch ends the first pass with a batch of two.
    expect([epochs, sizes]).toEqual([4, [4, 4, 4, 4, 4, 2, 4, 4]]);
    expect(taken.slice(0, 22).sort((a, b) => a - b)).toEqual([...Array(22).keys()]);
    // More than there are: a pass.
    sizes.length = 0;
    await trainTask({ ...base, epochExamples: 1000, epochs: 1, callbacks: [{ onBatchEnd }] });
    expect(sizes).toEqual([8, 8, 6]);
    await expect(trainTask({ ...base, epochExamples: 0 })).rejects.toThrow(UsageError);
  });

  it('gives the same weights for the same seed, with or without callbacks, and others for another', async () => {
    const first = new WeightLog();
    const second = new WeightLog();
    const other = new WeightLog();
    await trainTask({ ...base, callbacks: [first] });
    await trainTask({ ...base, callbacks: [{ onBatchEnd: () => undefined }, second, { onEpochEnd: () => undefined }] });
    await trainTask({ ...base, seed: 6, callbacks: [other] });
    expect(second.initial).toEqual(first.initial);
    expect(second.epochs).toEqual(first.epochs);
    expect(other.initial).not.toEqual(first.initial);
  });

  it('follows the schedule of its optimizer, step by step', async () => {
    const plain = new WeightLog();
    const stopped = new WeightLog();
    await trainTask({ ...base, callbacks: [plain] });
    const optimizer = { ...base.optimizer, schedule: 'step:1e-9@1' };
    await trainTask({ ...base, optimizer, callbacks: [stopped] });
    expect(stopped.epochs[0]).toEqual(plain.epochs[0]);
    for (const [i, value] of stopped.epochs[2].entries()) expect(value).toBeCloseTo(stopped.epochs[0][i], 6);
    expect(plain.epochs[2]).not.toEqual(plain.epochs[0]);
  });

  it('averages the loss of an epoch over examples, the smaller last batch included', async () => {
    const sizes: number[] = [];
    const losses: number[] = [];
    const result = await trainTask({
      ...base,
      epochs: 1,
      callbacks: [
        {
          onBatchEnd: (_batch: number, logs?: tfl.Logs) => {
            sizes.push(logs!.size);
            losses.push(logs!.loss);
          },
        },
      ],
    });
    expect(sizes).toEqual([8, 8, 6]);
    expect(result.history.loss[0]).toBeCloseTo((losses[0] * 8 + losses[1] * 8 + losses[2] * 6) / 22, 5);
  });

  it('shows weights set at the end of an epoch in the next epoch, and validates before', async () => {
    class Zero extends WeightLog {
      override async onEpochEnd(epoch: number): Promise<void> {
        if (epoch !== 1) return;
        const zeros = this.network.getWeights().map((weight) => tf.zeros(weight.shape));
        this.network.setWeights(zeros);
        tf.dispose(zeros);
      }
    }
    const options = { ...base, optimizer: { name: 'sgd', learningRate: 1e-9 } };
    const plain = await trainTask(options);
    const zeroed = await trainTask({ ...options, callbacks: [new Zero()] });
    expect(zeroed.history.val_loss.slice(0, 2)).toEqual(plain.history.val_loss.slice(0, 2));
    expect(zeroed.history.val_loss[2]).toBeCloseTo(Math.log(2), 5);
    expect(plain.history.val_loss[2]).not.toBeCloseTo(Math.log(2), 3);
  });

  it('leaves no tensor behind', async () => {
    await trainTask({ ...base, epochs: 1 });
    const before = tf.memory().numTensors;
    await trainTask({ ...base, callbacks: [{ onEpochEnd: () => undefined }] });
    expect(tf.memory().numTensors).toBe(before);
    const stop = new AbortController();
    stop.abort();
    await expect(trainTask({ ...base, signal: stop.signal })).rejects.toThrow();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('says when it diverged, and stops there', async () => {
    const epochs: number[] = [];
    const result = await trainTask({
      ...base,
      epochs: 50,
      optimizer: { name: 'sgd', learningRate: 1e30 },
      callbacks: [{ onEpochEnd: (epoch: number) => void epochs.push(epoch) }],
    });
    expect(result.diverged).toBe(true);
    expect(result.epochs).toBeLessThan(50);
    expect(epochs).toHaveLength(result.epochs);
  });

  it('stops in the middle of an epoch when aborted, without showing it to callbacks', async () => {
    const stop = new AbortController();
    const ends: string[] = [];
    const before = tf.memory().numTensors;
    const training = trainTask({
      ...base,
      signal: stop.signal,
      callbacks: [
        { onEpochEnd: (epoch: number) => void ends.push(`epoch ${epoch}`), onTrainEnd: () => void ends.push('train') },
      ],
      onBatch: ({ epoch, batchesDone }) => {
        if (epoch === 1 && batchesDone === 2) stop.abort(new Error('enough'));
      },
    });
    await expect(training).rejects.toThrow('enough');
    expect(ends).toEqual(['epoch 0']);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('tells of its progress', async () => {
    const batches: string[] = [];
    const epochs: number[] = [];
    await trainTask({
      ...base,
      epochs: 2,
      onBatch: ({ epoch, batchesDone, batchesPerEpoch, examplesPerSecond }) => {
        batches.push(`${epoch}:${batchesDone}/${batchesPerEpoch}`);
        expect(examplesPerSecond).toBeGreaterThan(0);
      },
      onEpoch: ({ metrics, examplesPerSecond }) => {
        expect(examplesPerSecond).toBeGreaterThan(0);
        epochs.push(metrics.val_loss);
      },
    });
    expect(batches).toEqual(['0:1/3', '0:2/3', '0:3/3', '1:1/3', '1:2/3', '1:3/3']);
    expect(epochs.every(Number.isFinite)).toBe(true);
  });

  it('refuses impossible settings before it builds anything', async () => {
    for (const wrong of [
      { epochs: 0 },
      { batchSize: 1.5 },
      { options: { width: 100 } },
      { optimizer: { name: 'adan', learningRate: 0.1 } },
      { optimizer: { name: 'adam', learningRate: -1 } },
      { optimizer: { name: 'adam', learningRate: 0.1, beta3: 1 } },
    ]) {
      await expect(trainTask({ ...base, ...wrong } as TrainTaskOptions)).rejects.toThrow(UsageError);
    }
  });

  it('validates the weights that it is told to, between the last batch and the ends of the epoch, and puts the trained ones back', async () => {
    const plain = new WeightLog();
    const expected = await trainTask({ ...base, callbacks: [plain] });
    const log = new WeightLog();
    const events: string[] = [];
    const callbacks = [
      { onBatchEnd: (batch: number) => void events.push(`batch ${batch}`) },
      log,
      { onEpochEnd: (epoch: number) => void events.push(`end ${epoch}`) },
    ];
    const validationWeights = async (epoch: number) => {
      events.push(`weights ${epoch}`);
      return epoch === 1 ? tf.tidy(() => log.network.getWeights().map((weight) => tf.zerosLike(weight))) : null;
    };
    const { history } = await trainTask({ ...base, callbacks, validationWeights });
    const batches = ['batch 0', 'batch 1', 'batch 2'];
    expect(events).toEqual([0, 1, 2].flatMap((epoch) => [...batches, `weights ${epoch}`, `end ${epoch}`]));
    expect(log.epochs).toEqual(plain.epochs);
    // Weights of zero give both classes the same probability.
    expect(history.val_loss[1]).toBeCloseTo(Math.log(2), 6);
    expect([history.val_loss[0], history.val_loss[2]]).toEqual([
      expected.history.val_loss[0],
      expected.history.val_loss[2],
    ]);
    expect(history.loss).toEqual(expected.history.loss);
    await expect(trainTask({ ...base, validationWeights: async () => [tf.zeros([1])] })).rejects.toThrow(/weight/);
  });
});
