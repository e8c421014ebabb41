// `wnn evaluate`: train with and without nowcasters, and print what each saved.

import type { CommandModule } from 'yargs';
import { ENGINE_NAMES, type EngineRequest } from '../engine/engine.js';
import { UsageError } from '../errors.js';
import {
  type EvaluateOptions,
  type EvaluateShardResult,
  evaluate,
  evaluateShard,
  loadMethodModules,
  methodWords,
  parseMethod,
  statements,
  TABLE_HEADER,
  tableRows,
} from '../evaluate/index.js';
import { chooseFleet, type FleetArguments, fleetOptions } from './fleet.js';
import { formatTable } from './table.js';
import { type GlobalArguments, interruptSignal, openTerminal, printResult } from './terminal.js';

interface EvaluateArguments extends GlobalArguments, FleetArguments {
  nowcaster: string[];
  methods: string;
  'method-module': string[];
  tasks: string;
  seeds: string;
  epochs: number;
  'batch-size': number;
  optimizer: string;
  'learning-rate': number;
  'train-examples'?: number;
  'validation-examples'?: number;
  guard: boolean;
  targets: string;
  'bests-after'?: number;
  engine: EngineRequest;
  adapter?: string;
  workers?: number;
  images?: string;
  out: string;
}

/** The parts of a list, given at once or by repeating the option. */
const listOf = (text: string | readonly string[]) =>
  [text]
    .flat()
    .join(',')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');

/** Numbers from a list such as `1,2,3`. */
function numbersOf(option: string, text: string): number[] {
  return listOf(text).map((part) => {
    const value = Number(part);
    if (Number.isFinite(value)) return value;
    throw new UsageError({
      what: `not a number in --${option}`,
      where: part,
      remedy: 'give numbers with commas between',
    });
  });
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
      .option('nowcaster', {
        type: 'string',
        array: true,
        requiresArg: true,
        nargs: 1,
        default: [] as string[],
        describe: 'NAME=DIR (or DIR) of a nowcaster; any number of times',
      })
      .option('methods', {
        type: 'string',
        default: 'linear',
        describe: `methods, with commas between: ${methodWords().join(', ')}; '' for none`,
      })
      .option('method-module', {
        type: 'string',
        array: true,
        requiresArg: true,
        nargs: 1,
        default: [] as string[],
        describe: 'JavaScript module that defines a method; any number of times',
      })
      .option('tasks', { type: 'string', default: 'mnist/cnn', describe: 'tasks, with commas between' })
      .option('seeds', { type: 'string', default: '1,2,3', describe: 'seeds, with commas between' })
      .option('epochs', { type: 'number', default: 20, describe: 'epochs of each run' })
      .option('batch-size', { type: 'number', default: 128, describe: 'examples in a batch' })
      .option('optimizer', { type: 'string', default: 'adam', describe: 'adam, sgd, momentum or rmsprop' })
      .option('learning-rate', { type: 'number', default: 0.001, describe: 'learning rate' })
      .option('train-examples', { type: 'number', describe: 'training examples, drawn at random [default: all]' })
      .option('validation-examples', { type: 'number', describe: 'validation examples [default: all]' })
      .option('guard', {
        type: 'boolean',
        default: false,
        describe: 'shorten or undo nowcasts that raise the training loss',
      })
      .option('targets', { type: 'string', default: '', describe: 'validation accuracies to reach, e.g. 0.97,0.98' })
      .option('bests-after', {
        type: 'number',
        describe: 'epoch after which plain’s new bests count [default: 40% of the epochs]',
      })
      .option('engine', {
        choices: ['auto', ...ENGINE_NAMES] as const,
        default: 'auto' as const,
        describe: 'compute engine',
      })
      .option('adapter', { type: 'string', describe: 'with --engine webgpu: the GPU, or a part of its name' })
      .option('workers', { type: 'number', describe: 'worker processes [default: one a core]' })
      .option('images', { type: 'string', describe: 'directory of the image datasets, see `wnn data`' })
      .option('out', { type: 'string', demandOption: true, describe: 'directory for results and runs' })
      .example('$0 evaluate --nowcaster ours=weights/mine --out eval', 'the plain CNN on MNIST, three seeds')
      .example(
        '$0 evaluate --nowcaster ours=weights/mine --methods linear,quadratic --tasks mnist/lenet,mnist/mlp --epochs 30 --out eval',
        'two tasks and two baselines',
      ),
  handler: async (argv) => {
    const terminal = openTerminal(argv);
    try {
      const { shard, ...fleet } = chooseFleet(argv, terminal.note);
      const methodModules = await loadMethodModules(argv.methodModule);
      const options: EvaluateOptions = {
        ...fleet,
        out: argv.out,
        tasks: listOf(argv.tasks),
        seeds: numbersOf('seeds', argv.seeds),
        methods: [
          ...listOf(argv.methods).map(parseMethod),
          ...argv.nowcaster.map((argument) => parseMethod(`nowcaster:${argument}`)),
        ],
        methodModules,
        epochs: argv.epochs,
        batchSize: argv.batchSize,
        optimizer: { name: argv.optimizer, learningRate: argv.learningRate },
        trainExamples: argv['train-examples'],
        validationExamples: argv.validationExamples,
        guard: argv.guard,
        targets: numbersOf('targets', argv.targets),
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
