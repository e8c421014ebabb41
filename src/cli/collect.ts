// `wnn collect`: records the training runs of a plan.

import type { CommandModule, Options } from 'yargs';
import { type CollectResult, collect, type PlanOptions, readPlanFile } from '../collect/index.js';
import type { EngineRequest } from '../engine/index.js';
import { InsufficientDataError, UsageError } from '../errors.js';
import { quantity } from '../quantity.js';
import { OPTIMIZERS, type OptimizerName } from '../tasks/optimizer.js';
import { scheduleWords } from '../tasks/schedules/index.js';
import { parseCadence } from '../trajectory/cadence.js';
import { collectImportCommand } from './collectImport.js';
import { chooseFleet, type FleetArguments, fleetOptions } from './fleet.js';
import { formatBytes, formatCount, formatDuration } from './format.js';
import { listOption, numbersOption } from './lists.js';
import { ADAPTER, ENGINE, IMAGES, STORE, TASK, WORKERS } from './sharedOptions.js';
import { formatTable } from './table.js';
import { type GlobalArguments, interruptSignal, openTerminal, printResult } from './terminal.js';

/** The options end with the command: they are not those of its sub-commands. */
function local<T extends Record<string, Options>>(options: T): T {
  return Object.fromEntries(Object.entries(options).map(([name, option]) => [name, { ...option, global: false }])) as T;
}

interface CollectArguments extends GlobalArguments, FleetArguments {
  store: string;
  plan?: string;
  task?: string[];
  runs?: number;
  epochs?: number;
  seed?: number;
  learningRate?: number[];
  batchSize?: number[];
  optimizer?: string[];
  schedule?: string[];
  width?: number[];
  trainExamples?: number[];
  validationExamples?: number;
  epochExamples?: number;
  augment?: string[];
  snapshotEvery?: string;
  scalarsPerTensor?: number;
  engine: EngineRequest;
  adapter?: string;
  workers?: number;
  dryRun?: boolean;
  images?: string;
}

/** The plan of the file, with what was said on the command line in its place. */
function mergePlan(argv: CollectArguments): PlanOptions {
  const fromFile = argv.plan === undefined ? {} : readPlanFile(argv.plan);
  const fromFlags: Partial<PlanOptions> = {
    tasks: argv.task,
    runs: argv.runs,
    epochs: argv.epochs,
    seed: argv.seed,
    learningRate: toRange(argv.learningRate),
    batchSizes: argv.batchSize,
    optimizers: argv.optimizer as OptimizerName[] | undefined,
    schedules: argv.schedule,
    width: toRange(argv.width),
    trainExamples: toRange(argv.trainExamples),
    validationExamples: argv.validationExamples,
    epochExamples: argv.epochExamples,
    augmentation: parseAugmentation(argv.augment),
    scalarsPerTensor: argv.scalarsPerTensor,
    cadence: argv.snapshotEvery === undefined ? undefined : parseCadence(argv.snapshotEvery, '--snapshot-every'),
  };
  const given = Object.fromEntries(Object.entries(fromFlags).filter(([, value]) => value !== undefined));
  const plan = { ...fromFile, ...given };
  if (plan.tasks === undefined) {
    throw new UsageError({
      what: 'nothing to record',
      where: argv.plan ?? 'wnn collect',
      remedy: 'name tasks with --task or in a --plan; `wnn collect --help` has examples',
    });
  }
  return plan as PlanOptions;
}

/** One number, or the two ends of a range. More than two are refused with the plan. */
function toRange(numbers: number[] | undefined): number | [number, number] | undefined {
  return numbers?.length === 1 ? numbers[0] : (numbers as [number, number] | undefined);
}

/** `['shift=0.1', 'flip']` as settings; their names and values are checked with the plan. */
function parseAugmentation(words: string[] | undefined): PlanOptions['augmentation'] {
  return (
    words &&
    Object.fromEntries(
      words.map((word) => {
        const [name, value] = word.split('=', 2);
        return [name, value === undefined ? true : Number(value)];
      }),
    )
  );
}

function describeRuns({ runs }: CollectResult): string {
  const header = [
    'run',
    'status',
    'snapshots',
    'optimizer',
    'rate',
    'batch',
    'width',
    'examples',
    'parameters',
    'size',
  ];
  const rows = runs.map(({ id, status, snapshots, settings, expected }) => [
    id,
    status,
    `${snapshots}/${expected.snapshots}`,
    settings.optimizer.name,
    String(settings.optimizer.learningRate),
    settings.batchSize,
    settings.width,
    settings.trainExamples === null ? 'all' : formatCount(settings.trainExamples),
    formatCount(expected.parameters),
    formatBytes(expected.bytes),
  ]);
  return formatTable(header, rows, 2);
}

function describeResult(result: CollectResult): string {
  const { runs, counts, store } = result;
  if (result.dryRun) {
    const missing = runs.length - (counts.complete ?? 0) - (counts.diverged ?? 0);
    return `${describeRuns(result)}

${quantity(runs.length, 'run')}, ${formatCount(missing)} of them to be recorded; about ${formatBytes(result.expectedBytes)} in ${store}`;
  }
  const statuses = Object.entries(counts).map(([status, count]) => `${formatCount(count)} ${status}`);
  const lines = [`${store}: ${quantity(runs.length, 'run')} of the plan: ${statuses.join(', ')}`];
  if (result.recordedRuns > 0) {
    lines.push(
      `recorded now: ${quantity(result.recordedRuns, 'run')}, ${quantity(result.recordedSnapshots, 'snapshot')} in ` +
        `${formatDuration(result.seconds)}, ${formatCount(result.imagesPerSecond)} images/s` +
        `${result.recordingShare === null ? '' : `, ${(100 * result.recordingShare).toFixed(1)}% of the time for recording`}`,
    );
  }
  for (const { id, status, reason } of runs) if (status === 'failed') lines.push(`${id} failed: ${reason}`);
  return lines.join('\n');
}

/** `wnn collect`. */
export const collectCommand: CommandModule<object, CollectArguments> = {
  command: 'collect',
  describe: 'record training runs into a trajectory store',
  builder: (yargs) =>
    fleetOptions(yargs)
      .command(collectImportCommand)
      .options(
        local({
          store: STORE,
          plan: { type: 'string', describe: 'plan file (YAML): tasks, runs, epochs, ... as the options below' },
          task: TASK,
          runs: { type: 'number', describe: 'number of runs over all tasks, which take turns [default: one per task]' },
          epochs: { type: 'number', describe: 'epochs of each run [default: 30]' },
          seed: { type: 'number', describe: 'fixes everything that is drawn [default: 1]' },
          'learning-rate': numbersOption('learning-rate', {
            describe: 'one, or the ends of a range [default: a usual range of the optimizer]',
          }),
          'batch-size': numbersOption('batch-size', { describe: 'one of these [default: 64,128,256]' }),
          optimizer: listOption({ choices: OPTIMIZERS, describe: 'one of these [default: adam]' }),
          schedule: listOption({
            describe: `learning-rate schedules, one of these: ${scheduleWords().join(', ')} [default: constant]`,
          }),
          width: numbersOption('width', { describe: 'factor on channels and units, or a range [default: 1]' }),
          'train-examples': numbersOption('train-examples', {
            describe: 'training examples of a run, drawn at random, or a range [default: all]',
          }),
          'epoch-examples': {
            type: 'number',
            describe: 'training examples per epoch; epochs take them in turn [default: all]',
          },
          'validation-examples': { type: 'number', describe: 'validation examples [default: all]' },
          augment: listOption({
            describe: 'change training images at random, e.g. shift=0.1,flip,rotation=10,zoom=0.1',
          }),
          'snapshot-every': { type: 'string', describe: 'e.g. 100steps or 2epochs [default: epoch]' },
          'scalars-per-tensor': {
            type: 'number',
            describe: 'record that many scalars of each larger tensor, chosen at random [default: all]',
          },
          engine: ENGINE,
          adapter: ADAPTER,
          workers: WORKERS,
          'dry-run': { type: 'boolean', default: false, describe: 'say what would be done, and stop' },
          images: IMAGES,
        }),
      )
      .example('wnn collect --task mnist/lenet mnist/mlp --runs 6 --epochs 20', 'record six runs of two networks')
      .example('wnn collect --plan plan.yaml --dry-run', 'what a plan would record, and how large it gets')
      .example('wnn collect --plan plan.yaml --shard 2/8', 'the second of eight parts of a plan')
      .example('wnn collect --plan plan.yaml --queue redis://head:6379/runs', 'by the workers of a queue'),
  handler: async (argv) => {
    const plan = mergePlan(argv);
    const terminal = openTerminal(argv);
    const signal = interruptSignal(terminal);
    try {
      const fleet = chooseFleet(argv, terminal.note);
      const result = await collect({
        ...plan,
        store: argv.store,
        engine: argv.engine,
        adapter: argv.adapter,
        workers: argv.workers,
        ...fleet,
        dryRun: argv.dryRun,
        images: argv.images,
        onProgress: terminal.progress,
        onNote: terminal.note,
        signal,
      });
      terminal.close();
      printResult(argv, result, () => describeResult(result));
      if (result.interrupted) signal.throwIfAborted();
      if (result.counts.failed) {
        throw new InsufficientDataError({
          what: `${result.counts.failed} of ${quantity(result.runs.length, 'run')} failed`,
          where: argv.store,
          remedy: 'their reasons stand above and in their run.json; the same command tries them again',
        });
      }
    } finally {
      terminal.close();
    }
  },
};
