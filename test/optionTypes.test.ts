// Every function and class of the package that takes options refuses one that it does not have, and names the one that was meant;
// so it does with a value of a type that the option does not have.

import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import type { NowcasterNetworks } from '../src/callback/index.js';
import * as callback from '../src/callback/node.js';
import { UnknownNameError, UsageError } from '../src/errors.js';
import * as fleet from '../src/fleet/index.js';
import * as all from '../src/index.js';

const networks = { spec: { inputLength: 5 } } as NowcasterNetworks;
const forecaster = callback.createMeanLinearForecaster();

type Options = Record<string, unknown>;
/** Calls with an option that does not exist, and the one that was meant. Nothing that is needed is given. */
const CALLS: Record<string, [meant: string, call: (misspelt: Options) => unknown]> = {
  AveragedWeights: ['decay', (options) => new callback.AveragedWeights(options)],
  MeanLinearForecasting: ['averaged', (options) => new callback.MeanLinearForecasting(options)],
  PeriodicForecasting: ['period', (options) => new callback.PeriodicForecasting(forecaster, options)],
  WeightForecasting: ['stepScale', (options) => new callback.WeightForecasting(networks, options)],
  'WeightForecasting.load': ['horizon', (options) => callback.WeightForecasting.load('/nowhere', options)],
  'watch of PeriodicForecasting': ['budget', (watch) => new callback.PeriodicForecasting(forecaster, { watch })],
  'stepScaleDecay of PeriodicForecasting': [
    'shape',
    (stepScaleDecay) => new callback.PeriodicForecasting(forecaster, { stepScaleDecay }),
  ],
  'recalibrate of PeriodicForecasting': [
    'batches',
    (recalibrate) => new callback.PeriodicForecasting(forecaster, { recalibrate: recalibrate as never }),
  ],
  'PeriodicForecasting.step': [
    'optimizer',
    (options) => new callback.PeriodicForecasting(forecaster).step({}, 1, options),
  ],
  'validation of AveragedWeights': [
    'batchSize',
    (validation) => new callback.AveragedWeights({ validation: validation as never }),
  ],
  accessModel: ['layers', (options) => callback.accessModel({} as never, options)],
  createNowcasterForecaster: [
    'horizon',
    (options) => callback.createNowcasterForecaster(networks, () => ({}) as never, options),
  ],
  createMeanLinearForecaster: ['window', (options) => callback.createMeanLinearForecaster(options)],
  TrajectoryRecorder: ['store', (options) => new all.TrajectoryRecorder(options as never)],
  collect: ['workers', (options) => all.collect(options as never)],
  importCheckpoints: ['sources', (options) => all.importCheckpoints(options as never)],
  buildDataset: ['horizons', (options) => all.buildDataset(options as never)],
  'holdOut of buildDataset': [
    'architecture',
    (holdOut) => all.buildDataset({ stores: '/nowhere', out: '/nowhere', holdOut }),
  ],
  trainNowcaster: ['learningRate', (options) => all.trainNowcaster(options as never)],
  exportNowcaster: ['overwrite', (options) => all.exportNowcaster(options as never)],
  exportPackage: ['version', (options) => all.exportPackage(options as never)],
  evaluate: ['methods', (options) => all.evaluate(options as never)],
  'tune of evaluate': ['trials', (tune) => all.evaluate({ out: '/nowhere', seeds: [1], methods: [], tune } as never)],
  writeReport: ['title', (options) => all.writeReport(options as never)],
  runPipeline: ['preset', (options) => all.runPipeline(options)],
  openEngine: ['adapter', (options) => all.openEngine('wasm', options)],
  processExecutor: ['workers', (options) => all.processExecutor(options)],
  queueExecutor: ['queue', (options) => fleet.queueExecutor(options as never)],
  runWorker: ['concurrency', (options) => fleet.runWorker(options as never)],
};

/** Exports that take no options object. */
const WITHOUT = [
  'accessVariables',
  'cleanParked',
  'createDefaultCompute',
  'directorySource',
  'drainQueue',
  'estimateBatchNorm',
  'ExpLayer',
  'fetchSource',
  'groupByKind',
  'listRuns',
  'loadNowcaster',
  'readManifest',
  'readMetrics',
  'readNowcaster',
  'readPositions',
  'readQueueStatus',
  'readSnapshots',
  'readStatistics',
  'registerFamily',
  'retryParked',
  'sourceOf',
  'surveyEngines',
];

const isError = (value: unknown) =>
  typeof value === 'function' && (value === Error || value.prototype instanceof Error);

describe('options that do not exist', () => {
  it.each(Object.entries(CALLS))('are refused by %s', async (_, [meant, call]) => {
    const misspelt = `${meant.slice(0, -2)}${meant.at(-1)}`;
    const refused = async () => call({ [misspelt]: 10 });
    await expect(refused()).rejects.toThrow(UnknownNameError);
    await expect(refused()).rejects.toThrow(new RegExp(`${misspelt}.*did you mean ${meant}\\?`));
  });

  it.each(Object.entries(CALLS))('of %s have values of their type', async (_, [option, call]) => {
    const refused = async () => call({ [option]: 10n });
    await expect(refused()).rejects.toThrow(UsageError);
    await expect(refused()).rejects.toThrow(new RegExp(option));
  });

  it('are refused by every export that takes options', () => {
    const exported = Object.entries({ ...all, ...callback, ...fleet });
    const functions = exported.flatMap(([name, value]) =>
      typeof value === 'function' && !isError(value) ? [name] : [],
    );
    expect(functions.filter((name) => !(name in CALLS) && !WITHOUT.includes(name))).toEqual([]);
  });
});

describe('values of another type', () => {
  const periodic = (options: Options) => new callback.PeriodicForecasting(forecaster, options);
  it.each<[given: string, call: () => unknown, message: RegExp]>([
    [
      "watch: 'off'",
      () => periodic({ watch: 'off' }),
      /watch of PeriodicForecasting is not true or false, or \{ budget \}: watch: 'off'/,
    ],
    ['watch: null', () => periodic({ watch: null }), /watch: null; give true or false/],
    ["keepNorm: 'on'", () => periodic({ keepNorm: 'on' }), /keepNorm: 'on'/],
    ["continue: 'yes'", () => periodic({ continue: 'yes' }), /continue: 'yes'; give true or false/],
    ['onNowcast: 1', () => periodic({ onNowcast: 1 }), /onNowcast: 1; give a function/],
    [
      'stepScaleDecay: true',
      () => periodic({ stepScaleDecay: true }),
      /stepScaleDecay: true; give \{ shape, over, to \}/,
    ],
    ["stepScaleDecay: 'linear'", () => periodic({ stepScaleDecay: 'linear' }), /stepScaleDecay: 'linear'/],
    ["kinds: 'conv'", () => periodic({ kinds: 'conv' }), /kinds: 'conv'; give a list/],
    ["layers: ['dense']", () => periodic({ layers: ['dense'] }), /layers: \['dense'\]; give a function/],
    ["cadence: '20steps'", () => periodic({ cadence: '20steps' }), /cadence: '20steps'; give \{ unit, every \}/],
    ["bias: 'x'", () => new callback.WeightForecasting(networks, { bias: 'x' as never }), /'normal' or 'published'/],
    ["compute: 'gpu'", () => new callback.WeightForecasting(networks, { compute: 'gpu' as never }), /give a function/],
    [
      'options: null',
      () => new callback.WeightForecasting(networks, null as never),
      /options of WeightForecasting are an object/,
    ],
    [
      'no nowcaster',
      () => new callback.WeightForecasting(undefined as never),
      /undefined; call `await WeightForecasting.load/,
    ],
    ['options first', () => callback.WeightForecasting.load({ period: 3 } as never), /load\(undefined, \{ \.\.\. \}\)/],
    ['evaluate({})', () => all.evaluate({} as never), /evaluate needs the option out/],
    ['trainNowcaster({})', () => all.trainNowcaster({} as never), /trainNowcaster needs the option samples/],
    ['nothing', () => (all.trainNowcaster as () => unknown)(), /options of trainNowcaster are an object: undefined/],
  ])('%s', async (_, call, message) => {
    const refused = async () => call();
    await expect(refused()).rejects.toThrow(UsageError);
    await expect(refused()).rejects.toThrow(message);
  });

  const step = (...given: unknown[]) => periodic({}).step(...(given as [never]));
  it.each<[given: string, call: () => unknown, message: RegExp]>([
    ['no network', () => step(), /undefined; give e.g. the model/],
    ['a list of weights', () => step([{ name: 'kernel' }]), /tf.Variables by name/],
    ['tensors in the place of variables', () => step({ kernel: tf.ones([2, 2]) }), /kernel: a Tensor/],
    [
      'options in the place of the loss',
      () => step({}, { optimizer: {} }),
      /\{ optimizer \}; call step\(network, loss/,
    ],
    ['a text for the loss', () => step({}, '0.3'), /'0.3'; call step/],
    ['no network to average', () => new callback.AveragedWeights().step([] as never), /tf.Variables by name/],
  ])('step with %s', async (_, call, message) => {
    const refused = async () => call();
    await expect(refused()).rejects.toThrow(UsageError);
    await expect(refused()).rejects.toThrow(message);
  });
});
