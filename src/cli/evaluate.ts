// `wnn evaluate`: train with and without nowcasters, and print what each saved.

import type { CommandModule } from 'yargs';
import type { EngineRequest } from '../engine/engine.js';
import {
  type EvaluateOptions,
  type EvaluateShardResult,
  evaluate,
  evaluateShard,
  loadMethodModules,
  methodWords,
  parseMethod,
  settingLines,
  statements,
  TABLE_HEADER,
  tableRows,
} from '../evaluate/index.js';
import { OPTIMIZERS } from '../tasks/optimizer.js';
import { scheduleWords } from '../tasks/schedules/index.js';
import { chooseFleet, type FleetArguments, fleetOptions } from './fleet.js';
import { listOption, numbersOption } from './lists.js';
import { ADAPTER, ENGINE, IMAGES, TASK, WORKERS } from './sharedOptions.js';
import { formatTable } from './table.js';
import { type GlobalArguments, interruptSignal, openTerminal, printResult } from './terminal.js';

interface EvaluateArguments extends GlobalArguments, FleetArguments {
  nowcaster: string[];
  method: string[];
  'method-module': string[];
  task: string[];
  seed: number[];
  epochs: number;
  'batch-size': number;
  optimizer: string;
  'learning-rate': number;
  schedule: string;
  validate?: string;
  'train-examples'?: number;
  'validation-examples'?: number;
  target: number[];
  'bests-after'?: number;
  engine: EngineRequest;
  adapter?: string;
  workers?: number;
  images?: string;
  out: string;
}

function describeShard({ out, runs, missing, trained, kept, failed }: EvaluateShardResult): string {
  const lines = [`${out}: ${trained} runs of this shard trained, ${kept} kept; ${missing} of all ${runs} missing`];
  if (failed.length > 0) lines.push(`failed: ${failed.join(', ')}; run the same command to try again`);
  lines.push('when none is missing, the same command without --shard compares them');
  return lines.join('\n');
}

export const evaluateCommand: CommandModule<object, EvaluateArguments> = {
  command: 'evaluate',
  describe: 'train with and without nowcasters and compare',
  builder: (yargs) =>
    fleetOptions(yargs)
      .option('nowcaster', listOption({ default: [] as string[], describe: 'nowcasters: NAME=DIR, or DIR' }))
      .option(
        'method',
        listOption({
          default: ['linear'],
          describe: `methods: ${methodWords().join(', ')}, each with settings behind ? (below); '' for none`,
        }),
      )
      .option(
        'method-module',
        listOption({ default: [] as string[], describe: 'JavaScript modules that define methods' }),
      )
      .option('task', { ...TASK, default: ['mnist/cnn'] })
      .option('seed', numbersOption('seed', { default: [1, 2, 3], describe: 'seeds: a run each' }))
      .option('epochs', { type: 'number', default: 20, describe: 'epochs of each run' })
      .option('batch-size', { type: 'number', default: 128, describe: 'examples in a batch' })
      .option('optimizer', { choices: OPTIMIZERS, default: 'adam', describe: 'optimizer' })
      .option('learning-rate', { type: 'number', default: 0.001, describe: 'learning rate' })
      .option('schedule', {
        type: 'string',
        default: 'constant',
        describe: `course of the learning rate: ${scheduleWords().join(', ')}`,
      })
      .option('validate', {
        type: 'string',
        describe: 'average to validate instead of the trained weights: ema=DECAY, lawa=K or swa=START',
      })
      .option('train-examples', { type: 'number', describe: 'training examples, drawn at random [default: all]' })
      .option('validation-examples', { type: 'number', describe: 'validation examples [default: all]' })
      .option(
        'target',
        numbersOption('target', {
          default: [] as number[],
          describe: 'validation accuracies to reach, e.g. 0.97,0.98',
        }),
      )
      .option('bests-after', {
        type: 'number',
        describe: 'epoch after which plain’s new bests count [default: 40% of the epochs]',
      })
      .option('engine', ENGINE)
      .option('adapter', ADAPTER)
      .option('workers', WORKERS)
      .option('images', IMAGES)
      .option('out', { type: 'string', demandOption: true, describe: 'directory for results and runs' })
      .example('$0 evaluate --nowcaster ours=weights/mine --out eval', 'the plain CNN on MNIST, three seeds')
      .example(
        '$0 evaluate --nowcaster ours=weights/mine --method linear,quadratic --task mnist/lenet,mnist/mlp --epochs 30 --out eval',
        'two tasks and two baselines',
      )
      .example(
        "$0 evaluate --method cosine,'ema?decay=0.98','plain?name=slow&learningRate=1e-4' --out eval",
        'baselines with settings of their own',
      )
      .example(
        '$0 evaluate --nowcaster ours=weights/mine --validate ema=0.99 --out eval',
        'an average validated in all',
      )
      .epilogue(
        ['Settings of methods and nowcasters: TYPE[:ARGUMENT]?KEY=VALUE&KEY=VALUE', ...settingLines()].join('\n  '),
      ),
  handler: async (argv) => {
    const terminal = openTerminal(argv);
    try {
      const { shard, ...fleet } = chooseFleet(argv, terminal.note);
      const methodModules = await loadMethodModules(argv.methodModule);
      const options: EvaluateOptions = {
        ...fleet,
        out: argv.out,
        tasks: argv.task,
        seeds: argv.seed,
        methods: [
          ...argv.method.map(parseMethod),
          ...argv.nowcaster.map((argument) => parseMethod(`nowcaster:${argument}`)),
        ],
        methodModules,
        epochs: argv.epochs,
        batchSize: argv.batchSize,
        optimizer: { name: argv.optimizer, learningRate: argv.learningRate, schedule: argv.schedule },
        validate: argv.validate,
        trainExamples: argv['train-examples'],
        validationExamples: argv.validationExamples,
        targets: argv.target,
        newBestsAfter: argv.bestsAfter,
        engine: argv.engine,
        adapter: argv.adapter,
        workers: argv.workers,
        images: argv.images,
        onProgress: terminal.progress,
        onNote: terminal.note,
        signal: interruptSignal(),
      };
      if (shard) {
        const part = await evaluateShard(options, shard);
        terminal.close();
        printResult(argv, part, () => describeShard(part));
        return;
      }
      const result = await evaluate(options);
      terminal.close();
      printResult(argv, result, () => {
        const parts = result.tasks.map((task) =>
          [
            `${task.task}, ${result.settings.epochs} epochs, seeds ${task.seeds.join(', ')}`,
            formatTable(TABLE_HEADER, tableRows(task)),
            ...statements(task),
          ].join('\n'),
        );
        return [...parts, `${result.file}: ${result.trained} runs trained, ${result.kept} kept`].join('\n\n');
      });
    } finally {
      terminal.close();
    }
  },
};
