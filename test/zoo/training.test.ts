// Every architecture takes a training step on the wasm engine: all gradients that it needs are there.
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { openEngine } from '../../src/engine/engine.js';
import { ImageExamples } from '../../src/tasks/images.js';
import { ACCURACY, PERPLEXITY } from '../../src/tasks/metric.js';
import type { Task } from '../../src/tasks/task.js';
import type { TaskData } from '../../src/tasks/taskData.js';
import { TextExamples } from '../../src/tasks/text.js';
import { trainTask } from '../../src/tasks/trainTask.js';
import { architectureNames, takesInputs } from '../../src/zoo/index.js';

beforeAll(async () => {
  await openEngine('wasm');
});

function makeImages(count: number, shape: [number, number, number]): ImageExamples {
  const size = shape[0] * shape[1] * shape[2];
  const pixels = Uint8Array.from({ length: count * size }, (_, i) => (i * 2654435761) >>> 24);
  return new ImageExamples(
    shape,
    pixels,
    Uint8Array.from({ length: count }, (_, i) => i),
  );
}

type Case = [task: Task, data: TaskData];

function noise(architecture: string): Case {
  const train = makeImages(4, [28, 28, 1]);
  const data = { name: 'noise', inputShape: train.shape, classes: 4, train, validation: train };
  return [{ name: architecture, data: 'noise', architecture, options: {}, metric: ACCURACY }, data];
}

function passages(architecture: string): Case {
  const train = new TextExamples(Uint8Array.of(0, 1, 2, 1, 0, 2, 2, 1, 0, 0, 1), 5, 3);
  const data = { name: 'passages', inputShape: [5, 3], classes: 3, train, validation: train };
  return [{ name: architecture, data: 'passages', architecture, options: {}, metric: PERPLEXITY }, data];
}

describe('training on the wasm engine', () => {
  it.each(architectureNames())('moves every trained weight of %s', async (architecture) => {
    const [task, data] = takesInputs(architecture, [28, 28, 1]) ? noise(architecture) : passages(architecture);
    const snapshots: Map<string, Float32Array>[] = [];
    class Snapshots extends tfl.Callback {
      network!: tfl.LayersModel;
      override setModel(model: tfl.LayersModel): void {
        this.network = model;
      }
      override async onTrainBegin(): Promise<void> {
        this.take();
      }
      override async onEpochEnd(_epoch: number): Promise<void> {
        this.take();
      }
      take(): void {
        const weights = this.network.weights.map((weight) => {
          return [weight.originalName, Float32Array.from(weight.read().dataSync())] as const;
        });
        snapshots.push(new Map(weights));
      }
    }
    const tensors = tf.memory().numTensors;
    const result = await trainTask({
      task,
      data,
      seed: 1,
      epochs: 1,
      batchSize: 4,
      options: { width: 0.25 },
      optimizer: { name: 'adam', learningRate: 1e-3 },
      callbacks: [new Snapshots()],
    });
    expect(result.diverged).toBe(false);
    expect(tf.memory().numTensors).toBe(tensors);
    const [before, after] = snapshots;
    expect(before.size).toBeGreaterThan(4);
    for (const [name, values] of before) {
      const moved = after.get(name)!.some((value, i) => value !== values[i]);
      expect(moved, `${name} has not moved`).toBe(true);
    }
  });
});
