// `wnn train`: samples in, one trained network a kind out, with a table of what it gains over doing nothing.

import type { CommandModule } from 'yargs';
import { UsageError } from '../errors.js';
import { listFamilies } from '../families/index.js';
import { LOSSES } from '../network/compute.js';
import type { FamilyConfig } from '../network/spec.js';
import { TRAINED_KINDS, type TrainedKind } from '../nowcaster/spec.js';
import type { TrainingRecord } from '../nowcaster/trainingRecord.js';
import { quantity } from '../quantity.js';
import {
  type ComputeRequest,
  planTraining,
  SCHEDULES,
  type TrainingChoices,
  type TrainingPlan,
  type TrainOptions,
  type TrainResult,
  trainNowcaster,
} from '../train/index.js';
import { formatBytes, formatCount, formatDuration, formatRate } from './format.js';
import { listOption } from './lists.js';
import { ADAPTER, ENGINE, kindOption } from './sharedOptions.js';
import { stageOptions } from './stageOptions.js';
import { formatTable } from './table.js';
import { type GlobalArguments, interruptSignal, openTerminal, printResult } from './terminal.js';
import { runGrid } from './trainGrid.js';

/** What the command line gives; names are those of the stage's options where they mean the same. */
interface TrainArguments extends GlobalArguments, Omit<TrainingChoices, 'memory'> {
  samples: string;
  out: string;
  kind?: string[];
  engine: ComputeRequest;
  adapter?: string;
  threads?: number;
  family?: string;
  config?: string[];
  residual: boolean;
  memoryMib?: number;
  tensorboard?: string;
  restart: boolean;
  dryRun?: boolean;
  grid?: string[];
  scalarsPerTensor?: number;
}

const familyList = () =>
  listFamilies()
    .map(({ id }) => id)
    .join(', ');

/** `['streams=values', 'width=32']` as settings: numbers and true or false become such. */
function parseConfig(words: readonly string[]): FamilyConfig {
  return Object.fromEntries(
    words.map((word) => {
      const [, name, text] = /^(\w+)=(.+)$/.exec(word) ?? [];
      if (name === undefined)
        throw new UsageError({ what: `cannot read ${word}`, where: '--config', remedy: 'write NAME=VALUE' });
      if (text === 'true' || text === 'false') return [name, text === 'true'];
      return [name, Number.isNaN(Number(text)) ? text : Number(text)];
    }),
  );
}

/** The stage's options from the arguments. */
function optionsOf(argv: TrainArguments): TrainOptions {
  const { kind, config, memoryMib, restart, ...rest } = argv;
  const { json: _json, quiet: _quiet, dryRun: _dryRun, grid: _grid, scalarsPerTensor: _scalars, ...plain } = rest;
  return {
    ...stageOptions(plain),
    kinds: kind as TrainedKind[] | undefined,
    config: config && parseConfig(config),
    memory: memoryMib === undefined ? undefined : memoryMib * 2 ** 20,
    resume: !restart,
  };
}

/** `-43%`: by how much an error is below another. */
function formatGain(error: number, other: number): string {
  const share = error / other - 1;
  return `${share > 0 ? '+' : ''}${(100 * share).toFixed(1)}%`;
}

/** Held-out errors a kind (and horizon, where there are several), with what the network gains. */
function formatErrors(record: TrainingRecord): string {
  const gains = ['vs no change', 'vs linear'];
  const several = record.spec.horizons.length > 1;
  const rows = TRAINED_KINDS.flatMap((kind) => {
    const training = record.kinds[kind];
    if (!training) return [];
    return training.horizons.map(({ horizon, noChange, linear, network, raw }) => [
      several ? `${kind} +${horizon}` : kind,
      formatCount(training.trainSamples),
      formatCount(training.validationSamples),
      `${Number(training.bestEpoch.toFixed(1))}/${Number(training.epochs.toFixed(1))}`,
      noChange.toFixed(5),
      linear.toFixed(5),
      network.toFixed(5),
      formatGain(network, noChange),
      formatGain(network, linear),
      formatGain(raw.network, raw.noChange),
      formatGain(raw.network, raw.linear),
    ]);
  });
  return formatTable(
    [
      'kind',
      'samples',
      'held out',
      'best epoch',
      'no change',
      'linear',
      'network',
      ...gains,
      ...gains.map((g) => `${g} (raw)`),
    ],
    rows,
  );
}

function describeResult({ record, recordPath, engine, kinds }: TrainResult): string {
  const paces = kinds.map(({ kind, seconds, samplesPerSecond }) =>
    samplesPerSecond > 0
      ? `${kind} ${formatDuration(seconds)} (${formatRate(samplesPerSecond)} samples/s)`
      : `${kind} was done before`,
  );
  return [
    'Mean absolute error on held-out runs, in normalized units; raw: of the weights themselves (lower is better):',
    '',
    formatErrors(record),
    '',
    `Trained${engine ? ` on ${engine}` : ''}: ${paces.join(', ')}.`,
    `Record: ${recordPath}`,
    ...kinds.map(({ weights }) => `Weights: ${weights}`),
  ].join('\n');
}

function describePlan({ spec, parameters, kinds }: TrainingPlan): string {
  const rows = kinds.map(({ kind, trainSamples, validationSamples, settings, stepsPerEpoch, sampleBytes, ...at }) => [
    kind,
    formatCount(trainSamples),
    formatCount(validationSamples),
    formatCount(settings.batchSize),
    formatCount(settings.plannedSteps),
    Number((settings.plannedSteps / stepsPerEpoch).toFixed(1)),
    formatBytes(sampleBytes),
    at.ended ? 'done' : at.step > 0 ? `from step ${formatCount(at.step)}` : 'from the start',
  ]);
  const { family, inputLength, horizons, residual, config } = spec;
  const network = [
    `${quantity(parameters, 'parameter')}`,
    `${quantity(inputLength, 'snapshot')} in, ${horizons.join(', ')} ahead`,
    ...Object.entries(config).map(([name, value]) => `${name} ${value}`),
    residual ? 'residual' : 'no residual',
  ];
  return [
    `Network: ${family}, ${network.join('; ')}.`,
    '',
    formatTable(['kind', 'samples', 'held out', 'batch', 'steps', 'epochs', 'memory', 'would train'], rows),
  ].join('\n');
}

export const trainCommand: CommandModule<object, TrainArguments> = {
  command: 'train <samples>',
  describe: 'train a nowcaster on samples',
  builder: (yargs) =>
    yargs
      .positional('samples', { type: 'string', demandOption: true, describe: 'directory that `wnn dataset` wrote' })
      .option('out', { type: 'string', demandOption: true, describe: 'directory for train.json, weights, checkpoints' })
      .option('kind', kindOption('those of the samples'))
      .option('engine', ENGINE)
      .option('adapter', ADAPTER)
      .option('threads', { type: 'number', describe: 'threads of the wasm kernels [default: one per core]' })
      .option('family', { type: 'string', describe: `family of the networks: ${familyList()} [default: the samples']` })
      .option(
        'config',
        listOption({ describe: 'settings of the family in place of its defaults, e.g. activation=relu' }),
      )
      .option('residual', { type: 'boolean', default: true, describe: 'predict the change from the last value' })
      .option('batch-size', { type: 'number', describe: 'samples a step [default: 128 to 8192, by their number]' })
      .option('epochs', { type: 'number', describe: 'passes over the samples [default: 20]' })
      .option('steps', { type: 'number', describe: 'optimizer steps, in place of epochs' })
      .option('learning-rate', { type: 'number', describe: 'highest learning rate of Adam [default: 0.001]' })
      .option('schedule', { choices: SCHEDULES, describe: 'learning-rate schedule [default: cosine]' })
      .option('warm-up-steps', { type: 'number', describe: 'steps in which the rate rises [default: 0]' })
      .option('weight-decay', { type: 'number', describe: 'decoupled weight decay of kernels [default: 0]' })
      .option('gradient-clip', { type: 'number', describe: 'greatest norm of the gradient [default: none]' })
      .option('clip-target', {
        type: 'number',
        describe: 'greatest target, in normalized units [default: not clipped]',
      })
      .option('loss', { choices: LOSSES, describe: 'loss of the outputs [default: mae]' })
      .option('kernel-penalty', { type: 'number', describe: "L1 penalty of penalized kernels [default: the family's]" })
      .option('bias-penalty', { type: 'number', describe: "L1 penalty of penalized biases [default: the family's]" })
      .option('validation-steps', { type: 'number', describe: 'steps between validations [default: one epoch]' })
      .option('patience', { type: 'number', describe: 'validations without gain before an end [default: none]' })
      .option('seed', { type: 'number', describe: 'seed of start and order [default: 0]' })
      .option('memory-mib', { type: 'number', describe: 'MiB of samples held in memory [default: 1024]' })
      .option('tensorboard', { type: 'string', describe: 'directory for TensorBoard event files [default: none]' })
      .option(
        'grid',
        listOption({
          describe:
            'train one nowcaster per pair of values, e.g. inputLength=3,5,10; <samples> is a trajectory store then',
        }),
      )
      .option('scalars-per-tensor', { type: 'number', describe: 'with --grid: as of `wnn dataset` [default: 1000]' })
      .option('restart', { type: 'boolean', default: false, describe: 'start over instead of going on' })
      .option('dry-run', { type: 'boolean', default: false, describe: 'say what would be done, and stop' })
      .example('$0 train data/samples --out weights/mine', 'train all kinds of the samples; again: go on after a stop')
      .example('$0 train data/samples --out weights/fc --kind fc --epochs 60 --patience 5', 'one kind, longer')
      .example('$0 train data/samples --out weights/plain --config activation=relu --no-residual', 'an ablation')
      .example('$0 train data/samples --out weights/mine --dry-run', 'sizes, steps and memory')
      .example(
        '$0 train data/trajectories --out data/grid --grid inputLength=3,5,10 --grid horizon=3,5,7,10',
        "the paper's table, on samples built for each pair",
      ),
  handler: async (argv) => {
    const options = optionsOf(argv);
    if (argv.grid !== undefined) {
      await runGrid(argv, argv.grid, argv.scalarsPerTensor, options);
      return;
    }
    if (argv.dryRun) {
      const plan = planTraining(options);
      printResult(argv, plan, () => describePlan(plan));
      return;
    }
    const terminal = openTerminal(argv);
    let result: TrainResult;
    try {
      result = await trainNowcaster({
        ...options,
        signal: interruptSignal(terminal),
        onProgress: terminal.progress,
        onNote: terminal.note,
      });
    } finally {
      terminal.close();
    }
    printResult(argv, result, () => describeResult(result));
  },
};
