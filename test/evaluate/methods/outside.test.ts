// A method from a module outside of src/, trained by worker processes and compared with an average that is computed here.

import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { evaluate, loadMethodModules as loadInDist, parseMethod as parseInDist } from '../../../dist/evaluate/index.js';
import { openEngine } from '../../../src/engine/engine.js';
import { evaluateJobs } from '../../../src/evaluate/jobKind.js';
import { identityOf } from '../../../src/evaluate/methods/packing.js';
import { findMethod, loadMethodModules, parseMethod } from '../../../src/evaluate/methods/registry.js';
import type { RunRecord } from '../../../src/evaluation/schema.js';
import { statements } from '../../../src/evaluation/statements.js';
import { scoreTable } from '../../../src/evaluation/table.js';
import { writeReport } from '../../../src/report/index.js';
import { shuffledBatches } from '../../../src/tasks/batches.js';
import { loadDataset } from '../../../src/tasks/dataset.js';
import { findTask } from '../../../src/tasks/task.js';
import type { Batch } from '../../../src/tasks/taskData.js';
import { trainTask } from '../../../src/tasks/trainTask.js';
import { planJobs } from '../planJobs.js';

const MODULE = fileURLToPath(new URL('./movingAverage.mjs', import.meta.url));
const DECAY = 0.6;
const TRAINING = { seed: 3, epochs: 3, batchSize: 20, optimizer: { name: 'adam', learningRate: 0.005 } };
const EXAMPLES = { trainExamples: 100, validationExamples: 40 };

const directory = mkdtempSync(join(tmpdir(), 'wnn-outside-'));
const out = join(directory, 'out');
afterAll(() => rmSync(directory, { recursive: true }));

type Weights = Float32Array[];
const readWeights = (model: tfl.LayersModel): Weights => model.getWeights().map((w) => Float32Array.from(w.dataSync()));

/** Follows the average in float64 and measures it at the end of each epoch, on the model and back. */
class FloatAverage extends tfl.Callback {
  average: Float64Array[] = [];
  readonly losses: number[] = [];
  readonly accuracies: number[] = [];
  constructor(readonly takeBatch: () => Batch) {
    super();
  }
  override async onTrainBegin(): Promise<void> {
    this.average = readWeights(this.model).map((values) => Float64Array.from(values));
  }
  override async onBatchEnd(): Promise<void> {
    for (const [i, values] of readWeights(this.model).entries())
      for (const [j, value] of values.entries()) this.average[i][j] = DECAY * this.average[i][j] + (1 - DECAY) * value;
  }
  override async onEpochEnd(): Promise<void> {
    const trained = readWeights(this.model);
    const put = (weights: ArrayLike<number>[]) =>
      tf.tidy(() =>
        this.model.setWeights(
          this.model.getWeights().map(({ shape }, i) => tf.tensor(Float32Array.from(weights[i]), shape)),
        ),
      );
    put(this.average);
    const { xs, ys } = this.takeBatch();
    const outputs = this.model.predict(xs) as tf.Tensor;
    const [probabilities, labels] = [outputs.dataSync(), ys.dataSync()];
    const classes = outputs.shape[1] as number;
    let [loss, right] = [0, 0];
    for (const [i, label] of labels.entries()) {
      const own = probabilities.subarray(i * classes, (i + 1) * classes);
      loss -= Math.log(own[label]);
      if (own.indexOf(Math.max(...own)) === label) right++;
    }
    this.losses.push(loss / labels.length);
    this.accuracies.push(right / labels.length);
    tf.dispose([xs, ys, outputs]);
    put(trained);
  }
}

/** Keeps the weights when the batches of an epoch begin, and at its end. */
class WeightReader extends tfl.Callback {
  readonly begins: Weights[] = [];
  readonly ends: Weights[] = [];
  override async onEpochBegin(): Promise<void> {
    this.begins.push(readWeights(this.model));
  }
  override async onEpochEnd(): Promise<void> {
    this.ends.push(readWeights(this.model));
  }
}

const recordOf = (method: string): RunRecord => {
  const runs = join(out, 'runs');
  const file = readdirSync(runs).find((name) => name.includes(`_${method}_`))!;
  return JSON.parse(readFileSync(join(runs, file), 'utf8'));
};

beforeAll(async () => {
  await openEngine('wasm');
  await loadMethodModules([MODULE]);
});

describe('a method from a module', () => {
  it('validates, in worker processes, the average of the weights and leaves those in training alone', async () => {
    const { seed: _seed, ...training } = TRAINING;
    await loadInDist([MODULE]);
    const options = {
      out,
      tasks: ['mnist/mlp'],
      seeds: [TRAINING.seed],
      ...training,
      ...EXAMPLES,
      engine: 'wasm' as const,
    };
    const methods = [parseInDist(`moving-average?decay=${DECAY}`)];
    const result = await evaluate({ ...options, methods, methodModules: [MODULE], workers: 1 });
    expect(result.trained).toBe(2);

    const task = findTask('mnist/mlp');
    const data = await loadDataset(task.data, EXAMPLES);
    const all = Uint32Array.from({ length: EXAMPLES.validationExamples }, (_, i) => i);
    const reference = new FloatAverage(() => data.validation.takeBatch(all));
    await trainTask({ task, data, ...TRAINING, callbacks: [reference] });

    const [plain, ema] = ['plain', `moving-average+decay${DECAY}`].map(recordOf);
    for (const metric of ['loss', 'acc']) expect(ema.metrics[metric]).toEqual(plain.metrics[metric]);
    for (const [e, loss] of reference.losses.entries()) {
      expect(ema.metrics.val_loss[e]).toBeCloseTo(loss, 5);
      expect(Math.abs(plain.metrics.val_loss[e]! - loss)).toBeGreaterThan(1e-3);
      expect(ema.metrics.val_acc[e]).toBeCloseTo(reference.accuracies[e], 6);
    }
    const weightsOf = ({ id }: RunRecord) => {
      const run = join(out, 'trajectories', `run=${id}`);
      return readdirSync(run)
        .filter((name) => name.startsWith('weights'))
        .map((name) => readFileSync(join(run, name)));
    };
    expect(weightsOf(ema).length).toBeGreaterThan(0);
    expect(weightsOf(ema)).toEqual(weightsOf(plain));

    expect(ema).toMatchObject({ method: { type: 'moving-average', decay: DECAY }, nowcasts: [] });
    const [summary] = result.tasks;
    expect(scoreTable(summary).rows[1][0]).toBe('moving-average+decay0.6');
    expect(statements(summary).join()).not.toContain('nowcast');
    const page = readFileSync(writeReport({ directory: out }).file, 'utf8');
    expect(page).toContain('validated by the moving average of the weights, decay 0.6');
    expect(page).toMatch(/--method (&#39;|')moving-average\?decay=0\.6\1 --method-module \1…\/movingAverage\.mjs\1/);
  });

  it('holds the average during each validation, and the trained weights, bit for bit, before and after', async () => {
    const task = findTask('mnist/mlp');
    const data = await loadDataset(task.data, EXAMPLES);
    const seen: Weights[] = [];
    const averages: Float64Array[][] = [];
    const all = Uint32Array.from({ length: EXAMPLES.validationExamples }, (_, i) => i);
    const reference = new FloatAverage(() => data.validation.takeBatch(all));
    const watch: tfl.CustomCallbackArgs = {
      onEpochEnd: async () => void averages.push(reference.average.map((values) => values.slice())),
    };
    const spied = Object.create(data.validation, {
      takeBatch: {
        value: (indices: Uint32Array) => {
          seen.push(readWeights(reader.model));
          return data.validation.takeBatch(indices);
        },
      },
    });
    const method = parseMethod(`moving-average?decay=${DECAY}`);
    const [job] = planJobs({ tasks: [task.name], seeds: [1], methods: [], ...TRAINING, engine: 'wasm' });
    const tensors = tf.memory().numTensors;
    const own = await findMethod('moving-average').train!(method, {
      job,
      inputs: out,
      batches: shuffledBatches(data.train, 10, 1),
    });
    const reader = new WeightReader();
    await trainTask({
      task,
      data: { ...data, validation: spied },
      ...TRAINING,
      callbacks: [own.callback!, reference, watch, reader],
      validationWeights: own.validationWeights,
    });
    await own.dispose!();
    expect(tf.memory().numTensors).toBe(tensors);
    expect(seen).toHaveLength(TRAINING.epochs);
    let largest = 0;
    for (const [e, weights] of seen.entries())
      for (const [i, values] of weights.entries())
        for (const [j, value] of values.entries()) largest = Math.max(largest, Math.abs(value - averages[e][i][j]));
    expect(largest).toBeLessThan(1e-6);
    expect(seen).not.toEqual(reader.ends);

    const plain = new WeightReader();
    await trainTask({ task, data, ...TRAINING, callbacks: [plain] });
    expect(reader.ends).toEqual(plain.ends);
    expect(reader.begins).toEqual(plain.begins);
  });

  it('has ids of its own settings and code, and its module', () => {
    const planned = (decay: number) => {
      const methods = [parseMethod(`moving-average?decay=${decay}`)];
      return planJobs({ tasks: ['mnist/mlp'], seeds: [1], methods, ...TRAINING, engine: 'wasm' })[1];
    };
    expect(planned(0.5).id).not.toBe(planned(0.25).id);
    expect(planned(0.5)).toMatchObject({
      method: { type: 'moving-average', name: 'moving-average+decay0.5', decay: 0.5 },
    });
    const module = createHash('sha256').update(readFileSync(MODULE)).digest('hex');
    expect(identityOf(planned(0.5).method)).toEqual({ ...planned(0.5).method, module });
  });

  it('says what is wrong with a module', async () => {
    expect(() => parseMethod('moving-average?decay=2')).toThrow(
      /impossible decay: .*decay=2; give a number above 0 below 1/,
    );
    await expect(loadMethodModules([join(directory, 'none.mjs')])).rejects.toThrow(/no such module: .*none.mjs/);
    const write = (name: string, text: string) => {
      writeFileSync(join(directory, name), text);
      return join(directory, name);
    };
    const empty = write('empty.mjs', 'export const type = 1;');
    await expect(loadMethodModules([empty])).rejects.toThrow(/exports no method: .*empty.mjs/);
    const taken = write('taken.mjs', "export default { type: 'linear', describe: () => ({}) };");
    await expect(loadMethodModules([taken])).rejects.toThrow(/there is a method linear already: .*taken.mjs/);
  });

  it('is not handed to a queue, and neither it nor a path of code is taken from one', () => {
    const plan = { tasks: ['mnist/mlp'], seeds: [1], ...TRAINING, engine: 'wasm' as const };
    const [plain, ema] = planJobs({ ...plan, methods: [parseMethod('moving-average?decay=0.5')] });
    const specOf = (job: typeof plain) => ({
      job,
      others: [],
      out,
      inputs: out,
      engine: job.engine,
      images: undefined,
    });
    const share = (path: string) => path;
    expect(() => evaluateJobs.pack(specOf(ema), share)).toThrow(
      /no queue trains this method: moving-average\+decay0.5/,
    );
    const places = { directory: out, staging: out, resolve: share };
    const unpack = (data: object) => evaluateJobs.unpack(data, (data as { id: string }).id, places);
    expect(unpack(plain)).toMatchObject({ job: plain });
    expect(unpack(plain)).not.toHaveProperty('methodModules');
    expect(() => unpack({ ...plain, methodModules: [MODULE] })).toThrow(
      /refused training: impossible field methodModules/,
    );
    expect(() => unpack(ema)).toThrow(/refused training: impossible method/);
  });
});
