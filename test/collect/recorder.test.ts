import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Forecaster } from '../../src/callback/forecaster.js';
import { type ForecastingOptions, PeriodicForecasting } from '../../src/callback/periodicForecasting.js';
import { describeTensors } from '../../src/collect/namedTensors.js';
import { TrajectoryRecorder } from '../../src/collect/recorder.js';
import { UsageError, WriteError } from '../../src/errors.js';
import type { SnapshotCadence } from '../../src/trajectory/cadence.js';
import { listRuns, readMetrics, readSnapshots } from '../../src/trajectory/runReader.js';
import type { Snapshot } from '../../src/trajectory/schema.js';

const RECORDING_CHILD = fileURLToPath(new URL('./recordingChild.mjs', import.meta.url));
let store: string;
beforeAll(async () => {
  tf.enableProdMode();
  await tf.setBackend('cpu');
});
beforeEach(() => {
  store = mkdtempSync(join(tmpdir(), 'wnn-recorder-'));
});
afterEach(() => rmSync(store, { recursive: true, force: true }));

async function readAll(directory: string): Promise<Snapshot[]> {
  const all: Snapshot[] = [];
  for await (const snapshot of readSnapshots(directory)) all.push(snapshot);
  return all;
}

/** A network that is not of the zoo: nested model, shared layer, batch-norm, depthwise and embedding-free. */
function makeModel(): tfl.LayersModel {
  const part = tfl.sequential({ name: 'part' });
  part.add(tfl.layers.dense({ name: 'inner', units: 6, inputShape: [6], activation: 'relu' }));
  part.add(tfl.layers.batchNormalization({ name: 'scale' }));
  const shared = tfl.layers.dense({ name: 'shared', units: 6, useBias: false });
  const input = tfl.input({ shape: [4, 4, 1] });
  let x = tfl.layers.separableConv2d({ name: 'sep', filters: 2, kernelSize: 3 }).apply(input) as tfl.SymbolicTensor;
  x = tfl.layers.flatten().apply(x) as tfl.SymbolicTensor;
  x = tfl.layers.dense({ name: 'first', units: 6, trainable: false }).apply(x) as tfl.SymbolicTensor;
  x = shared.apply(shared.apply(x)) as tfl.SymbolicTensor;
  x = part.apply(x) as tfl.SymbolicTensor;
  const output = tfl.layers.dense({ name: 'last', units: 1 }).apply(x) as tfl.SymbolicTensor;
  return tfl.model({ inputs: input, outputs: output, name: 'mine' });
}

const EXPECTED_TENSORS = [
  'sep/depthwise_kernel conv 3,3,1,1',
  'sep/pointwise_kernel conv 1,1,1,2',
  'sep/bias bias 2',
  'first/kernel fc 8,6',
  'first/bias bias 6',
  'shared/kernel fc 6,6',
  'part/inner/kernel fc 6,6',
  'part/inner/bias bias 6',
  'part/scale/gamma norm 6',
  'part/scale/beta norm 6',
  'part/scale/moving_mean statistics 6',
  'part/scale/moving_variance statistics 6',
  'last/kernel fc 6,1',
  'last/bias bias 1',
];

function makeData(): { x: tf.Tensor; y: tf.Tensor } {
  return { x: tf.randomNormal([32, 4, 4, 1], 0, 1, 'float32', 1), y: tf.randomNormal([32, 1], 0, 1, 'float32', 2) };
}

describe('with fit', () => {
  test('records every weight of a model as it is at the end of each epoch, whatever was built before', async () => {
    makeModel().dispose();
    const model = makeModel();
    model.compile({ optimizer: tf.train.sgd(0.01), loss: 'meanSquaredError', metrics: ['mae'] });
    const { x, y } = makeData();
    const seen: Float32Array[][] = [];
    const recorder = new TrajectoryRecorder({
      store,
      id: 'my-run',
      task: 'noise',
      architecture: 'mine',
      optimizer: { name: 'sgd', learningRate: 0.01 },
      hyperparameters: { batchSize: 8 },
      seed: 5,
    });
    const onEpochEnd = async () => {
      const named = new Map<string, Float32Array>();
      for (const layer of [...model.layers, ...(model.getLayer('part') as tfl.Sequential).layers]) {
        if (layer.name === 'part') continue;
        for (const weight of layer.weights) {
          const own = weight.originalName.split('/').at(-1);
          named.set(`${layer.name}/${own}`, weight.read().dataSync().slice() as Float32Array);
        }
      }
      const names = EXPECTED_TENSORS.map((line) => line.split(' ')[0].replace('part/', ''));
      seen.push(names.map((name) => named.get(name) as Float32Array));
    };
    const history = await model.fit(x, y, {
      epochs: 4,
      batchSize: 8,
      validationSplit: 0.25,
      verbose: 0,
      callbacks: [recorder, new tfl.CustomCallback({ onEpochEnd })],
    });

    const [{ directory, manifest }] = listRuns(store);
    expect(manifest).toMatchObject({
      id: 'my-run',
      cadence: { unit: 'epoch', every: 1 },
      source: 'callback',
      status: 'complete',
      snapshotsRecorded: 4,
      epochsPlanned: 4,
      seed: 5,
    });
    expect(manifest.tensors.map(({ name, kind, shape }) => `${name} ${kind} ${shape}`)).toEqual(EXPECTED_TENSORS);
    const snapshots = await readAll(directory);
    expect(snapshots.map(({ values }) => values)).toEqual(seen);
    expect(snapshots[0].values[11]).not.toEqual(snapshots[1].values[11]);
    const rows = await readMetrics(directory);
    expect(rows.map(({ metrics }) => metrics.loss)).toEqual(history.history.loss);
    expect(rows.map(({ metrics }) => metrics.val_mae)).toEqual(history.history.val_mae);
    expect(Object.keys(rows[0].metrics).sort()).toEqual(['loss', 'mae', 'val_loss', 'val_mae']);
  });

  test('makes a run of its own of each training when it was given no id, and refuses to spoil one', async () => {
    const model = makeModel();
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    const { x, y } = makeData();
    const recorder = new TrajectoryRecorder({ store });
    await model.fit(x, y, { epochs: 2, verbose: 0, callbacks: [recorder] });
    await model.fit(x, y, { epochs: 3, verbose: 0, callbacks: [recorder] });
    expect(listRuns(store).map(({ manifest }) => [manifest.id, manifest.snapshotsRecorded])).toEqual([
      ['mine-0000', 2],
      ['mine-0001', 3],
    ]);
    const again = new TrajectoryRecorder({ store, id: 'mine-0000' });
    await expect(model.fit(x, y, { epochs: 2, verbose: 0, callbacks: [again] })).rejects.toThrow(UsageError);
    expect((await readAll(join(store, 'run=mine-0000'))).length).toBe(2);
  });

  test('notes when a nowcaster acts in the same training', async () => {
    const recorder = new TrajectoryRecorder({ store, nowcasting: { period: 3, start: 4 } });
    const model = makeModel();
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    const { x, y } = makeData();
    await model.fit(x, y, { epochs: 2, verbose: 0, callbacks: [recorder] });
    expect(listRuns(store)[0].manifest.nowcasts).toEqual({ period: 3, start: 4 });
    const both = () =>
      new TrajectoryRecorder({ store, nowcasting: { period: 3, start: 4 }, cadence: { unit: 'step', every: 2 } });
    expect(both).toThrow(
      /than that of nowcasting, a snapshot every epoch: snapshots every 2 steps; leave the cadence out/,
    );
  });

  test.each<[string, ForecastingOptions['cadence'], SnapshotCadence]>([
    ['epochs', undefined, { unit: 'epoch', every: 1 }],
    ['steps', { unit: 'step', every: 2 }, { unit: 'step', every: 2 }],
    ['a number of snapshots', { snapshots: 10 }, { unit: 'step', every: 4 }],
  ])(
    'takes the cadence of nowcasting, by %s, and notes the snapshots that nowcasts follow',
    async (_, cadence, expected) => {
      // Each nowcast sets all weights to 9 or its negative.
      let at = 9;
      const forecaster: Forecaster = {
        windowLength: 2,
        kinds: ['conv', 'fc', 'bias'],
        async forecast(_window, out) {
          at = -at;
          out.fill(at);
        },
        dispose: async () => {},
      };
      const nowcasting = new PeriodicForecasting(forecaster, {
        cadence,
        period: 3,
        start: 2,
        watch: false,
        onNote: () => {},
      });
      const recorder = new TrajectoryRecorder({ store, nowcasting });
      const model = makeModel();
      model.compile({ optimizer: tf.train.sgd(1e-6), loss: 'meanSquaredError' });
      const { x, y } = makeData();
      await model.fit(x, y, { epochs: 10, batchSize: 8, verbose: 0, callbacks: [recorder, nowcasting] });
      const [{ directory, manifest }] = listRuns(store);
      expect(manifest).toMatchObject({ cadence: expected, nowcasts: { period: 3, start: 2 } });
      const snapshots = await readAll(directory);
      const last = manifest.tensors.findIndex(({ name }) => name === 'last/kernel');
      const jumped = snapshots.flatMap(({ epoch, values }, i) =>
        i > 0 && Math.abs(values[last][0] - snapshots[i - 1].values[last][0]) > 1 ? [epoch - 1] : [],
      );
      expect(jumped).toEqual(nowcasting.history.map(({ snapshot }) => snapshot));
      expect(jumped).toEqual(jumped.map((_, i) => 3 * i + 2));
      expect(jumped.length).toBeGreaterThan(2);
    },
  );

  test('takes snapshots every N steps when asked', async () => {
    const model = makeModel();
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    const { x, y } = makeData();
    const recorder = new TrajectoryRecorder({ store, cadence: { unit: 'step', every: 3 } });
    await model.fit(x, y, { epochs: 2, batchSize: 8, verbose: 0, callbacks: [recorder] });
    const [{ directory, manifest }] = listRuns(store);
    expect(manifest).toMatchObject({ cadence: { unit: 'step', every: 3 }, snapshotsRecorded: 2, hyperparameters: {} });
    const rows = await readMetrics(directory);
    expect(rows.map(({ epoch }) => epoch)).toEqual([0, 1]); // 8 steps: after the third and the sixth
    expect(Object.keys(rows[0].metrics)).toEqual(['loss']);
    expect(() => new TrajectoryRecorder({ store, cadence: { unit: 'step', every: 0 } })).toThrow(UsageError);
  });

  test('takes snapshots every N epochs when asked', async () => {
    const model = makeModel();
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    const { x, y } = makeData();
    const recorder = new TrajectoryRecorder({ store, cadence: { unit: 'epoch', every: 2 } });
    const { history } = await model.fit(x, y, { epochs: 5, verbose: 0, callbacks: [recorder] });
    const [{ directory, manifest }] = listRuns(store);
    expect(manifest).toMatchObject({ cadence: { unit: 'epoch', every: 2 }, snapshotsRecorded: 2, epochsPlanned: 5 });
    const losses = (await readMetrics(directory)).map(({ metrics }) => metrics.loss);
    expect(losses).toEqual([history.loss[1], history.loss[3]]);
  });

  test('keeps the finite epochs of a run that diverges', async () => {
    const model = tfl.sequential({ layers: [tfl.layers.dense({ units: 1, inputShape: [1], name: 'd' })] });
    model.compile({ optimizer: tf.train.sgd(1e6), loss: 'meanSquaredError' });
    const recorder = new TrajectoryRecorder({ store, id: 'wild' });
    await model.fit(tf.ones([8, 1]), tf.zeros([8, 1]), { epochs: 20, verbose: 0, callbacks: [recorder] });
    const [{ directory, manifest }] = listRuns(store);
    expect(manifest.status).toBe('diverged');
    expect(manifest.reason).toMatch(/not finite at epoch|loss is (Infinity|NaN) at epoch/);
    const snapshots = await readAll(directory);
    expect(snapshots.length).toBeGreaterThan(0);
    expect(snapshots.length).toBeLessThan(20);
    expect(snapshots.every(({ values }) => values.every((array) => array.every(Number.isFinite)))).toBe(true);
    expect(manifest.reason).toContain(`at epoch ${snapshots.length}`);
  });

  test('finds before training that the store cannot be written', async () => {
    const model = tfl.sequential({ layers: [tfl.layers.dense({ units: 1, inputShape: [1] })] });
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    writeFileSync(join(store, 'file'), '');
    const recorder = new TrajectoryRecorder({ store: join(store, 'file', 'store') });
    const fit = model.fit(tf.ones([8, 1]), tf.zeros([8, 1]), { epochs: 1, verbose: 0, callbacks: [recorder] });
    await expect(fit).rejects.toThrow(WriteError);
  });
});

describe('with a loop of one’s own', () => {
  test('records a model, readable while the loop goes on and after it broke off', async () => {
    const model = makeModel();
    const recorder = new TrajectoryRecorder({ store, architecture: 'My own net!' });
    for (let epoch = 0; epoch < 3; epoch++) {
      const kernel = model.getLayer('last').weights[0];
      kernel.write(tf.fill([6, 1], epoch));
      expect(await recorder.snapshot(model, { loss: 3 - epoch })).toBe(true);
    }
    const directory = recorder.directory as string;
    expect(directory.endsWith('run=My-own-net--0000')).toBe(true);
    const snapshots = await readAll(directory);
    expect(snapshots.map(({ values, metrics }) => [values[12][5], metrics.loss])).toEqual([
      [0, 3],
      [1, 2],
      [2, 1],
    ]);
    await recorder.finish('interrupted', 'power cut');
    expect(listRuns(store)[0].manifest).toMatchObject({
      status: 'interrupted',
      reason: 'power cut',
      snapshotsRecorded: 3,
    });
    expect(existsSync(join(directory, 'snapshots.arrows'))).toBe(false);
    expect((await readAll(directory)).length).toBe(3);
  });

  test('records plain tensors by name', async () => {
    const w = tf.variable(tf.tensor2d([[1, 2]]));
    const recorder = new TrajectoryRecorder({ store });
    await recorder.snapshot({ 'layer/w': w, 'layer/b': tf.tensor1d([7]), step: tf.scalar(3, 'int32') });
    w.assign(tf.tensor2d([[5, 6]]));
    await recorder.snapshot({ 'layer/w': w, 'layer/b': tf.tensor1d([8]), step: tf.scalar(4, 'int32') });
    await recorder.finish();
    const [{ directory, manifest }] = listRuns(store);
    expect(manifest.tensors.map(({ kind }) => kind)).toEqual(['fc', 'bias', 'other']);
    expect((await readAll(directory)).map(({ values }) => values.map((array) => [...array]))).toEqual([
      [[1, 2], [7], [3]],
      [[5, 6], [8], [4]],
    ]);
    expect(readdirSync(store)).toEqual(['run=run-0000']);
  });

  test('nothing recorded is nothing written', async () => {
    expect(await new TrajectoryRecorder({ store }).finish()).toBeNull();
    expect(readdirSync(store)).toEqual([]);
  });
});

test('weights of one name in a layer get names of their own', () => {
  const model = tfl.sequential();
  model.add(
    tfl.layers.bidirectional({
      name: 'both',
      layer: tfl.layers.simpleRNN({ units: 2, recurrentInitializer: 'glorotUniform' }) as tfl.RNN,
      mergeMode: 'concat',
      inputShape: [3, 1],
    }),
  );
  const names = describeTensors(model).map(({ name }) => name);
  expect(new Set(names).size).toBe(6);
  expect(names.every((name) => name.startsWith('both/'))).toBe(true);
});

describe('recorders with one id at once', () => {
  const weights = (value: number) => ({ kernel: tf.fill([2, 2], value) });
  const open = () => new TrajectoryRecorder({ store, id: 'same' });

  test('of one process: the later has the run, the earlier says so', async () => {
    const [first, second] = [open(), open()];
    await first.snapshot(weights(1));
    await second.snapshot(weights(2));
    await expect(first.snapshot(weights(3))).rejects.toThrow(/another recorder of this process has taken the run over/);
    await expect(first.finish()).rejects.toThrow(UsageError);
    await second.snapshot(weights(4));
    expect(await second.finish()).toMatchObject({ status: 'complete', snapshotsRecorded: 2 });
    const all = await readAll(join(store, 'run=same'));
    expect(all.map(({ values }) => values[0][0])).toEqual([2, 4]);
    expect(readdirSync(store)).toEqual(['run=same']);
  });

  test('of two processes: the later is refused; a killed one is not in the way', async () => {
    const child = spawn(process.execPath, [RECORDING_CHILD, store, 'same'], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    await expect(open().snapshot(weights(1))).rejects.toThrow(/^another process is recording this run: .*run=same; /);
    expect(listRuns(store).map(({ manifest }) => manifest.snapshotsRecorded)).toEqual([1]);
    child.kill('SIGKILL');
    await once(child, 'exit');
    const recorder = open();
    await recorder.snapshot(weights(5));
    expect(await recorder.finish()).toMatchObject({ status: 'complete', snapshotsRecorded: 1 });
    expect((await readAll(join(store, 'run=same')))[0].values[0][0]).toBe(5);
    expect(readdirSync(store)).toEqual(['run=same']);
  }, 60_000);
});
