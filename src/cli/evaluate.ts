// `wnn evaluate`: train with and without nowcasters, and print what each saved.

import type { CommandModule } from 'yargs';
import type { EngineRequest } from '../engine/engine.js';
import { UsageError } from '../errors.js';
import {
  type EvaluateOptions,
  type EvaluateShardResult,
  evaluate,
  evaluateShard,
  loadMethodModules,
  type Method,
  methodWords,
  parseMethod,
  settingGroups,
  type TuneOptions,
} from '../evaluate/index.js';
import { quantity } from '../quantity.js';
import { OPTIMIZERS } from '../tasks/optimizer.js';
import { scheduleWords } from '../tasks/schedules/index.js';
import { suiteNames } from '../tasks/suites/index.js';
import { evaluationText } from './evaluationText.js';
import { chooseFleet, type FleetArguments, fleetOptions } from './fleet.js';
import { listOption, numbersOption } from './lists.js';
import { ADAPTER, ENGINE, IMAGES, TASK, WORKERS } from './sharedOptions.js';
import { type GlobalArguments, interruptSignal, openTerminal, printResult } from './terminal.js';

interface EvaluateArguments extends GlobalArguments, FleetArguments {
  nowcaster: string[];
  method?: string[];
  'method-module': string[];
  task?: string[];
  suite?: string;
  seed: number[];
  tune?: number;
  'tune-seeds'?: number;
  'tune-step-scale': boolean;
  epochs?: number;
  'batch-size'?: number;
  optimizer?: string;
  'learning-rate'?: number;
  schedule?: string;
  validate?: string;
  'train-examples'?: number;
  'validation-examples'?: number;
  'epoch-examples'?: number;
  target: number[];
  'bests-after'?: number;
  seconds: boolean;
  engine: EngineRequest;
  adapter?: string;
  workers?: number;
  images?: string;
  out: string;
}

function describeShard({ out, phase, runs, missing, trained, kept, failed }: EvaluateShardResult): string {
  const what = phase === 'tuning' ? 'trials' : 'runs';
  const lines = [`${out}: ${trained} ${what} of this shard trained, ${kept} kept; ${missing} of all ${runs} missing`];
  if (failed.length > 0) lines.push(`failed: ${failed.join(', ')}; run the same command to try again`);
  if (phase === 'tuning') lines.push('when none is missing, the same command goes on with the runs');
  else lines.push('when none is missing, the same command without --shard compares them');
  return lines.join('\n');
}

/** The methods that were asked for; the shipped nowcaster where none was. */
function chooseMethods({ method, nowcaster }: EvaluateArguments): Method[] {
  if (method === undefined && nowcaster.length === 0) return [parseMethod('nowcaster:zoo')];
  return [...(method ?? []).map(parseMethod), ...nowcaster.map((argument) => parseMethod(`nowcaster:${argument}`))];
}

/** The optimizer where one of its options was given; otherwise that of the suite, or the default, stays. */
function chooseOptimizer({ optimizer, learningRate, schedule }: EvaluateArguments & { learningRate?: number }) {
  if (optimizer === undefined && learningRate === undefined && schedule === undefined) return undefined;
  const given = { name: optimizer ?? 'adam', learningRate: learningRate ?? 0.001 };
  return schedule === undefined ? given : { ...given, schedule };
}

function chooseTuning({
  tune,
  'tune-seeds': seeds,
  'tune-step-scale': stepScale,
}: EvaluateArguments): TuneOptions | undefined {
  if (tune !== undefined) return { trials: tune, seeds, stepScale };
  if (seeds === undefined && !stepScale) return undefined;
  const given = stepScale ? '--tune-step-scale' : '--tune-seeds';
  throw new UsageError({ what: 'nothing is tuned', where: given, remedy: 'give the number of trials, e.g. --tune 3' });
}

/** The settings of methods, those that several methods share once. */
function settingLines(): string[] {
  const groups = settingGroups();
  const width = Math.max(...groups.flatMap(({ settings }) => settings.map(({ key }) => key.length)));
  return groups.flatMap(({ types, settings }) => [
    types.length === 0 ? '  all methods' : `  ${types.join(', ')}`,
    ...settings.map(({ key, describe }) => `    ${key.padEnd(width)}  ${describe}`),
  ]);
}

export const evaluateCommand: CommandModule<object, EvaluateArguments> = {
  command: 'evaluate',
  describe: 'train with and without nowcasters and compare',
  builder: (yargs) =>
    fleetOptions(yargs)
      .option(
        'nowcaster',
        listOption({
          default: [] as string[],
          describe: 'nowcasters: NAME=DIR, or DIR; zoo is the shipped one [default: zoo, unless --method is given]',
        }),
      )
      .option(
        'method',
        listOption({
          describe: `methods: ${methodWords().join(', ')}, each with settings behind ? (below); '' for none [default: none]`,
        }),
      )
      .option(
        'method-module',
        listOption({ default: [] as string[], describe: 'JavaScript modules that define methods' }),
      )
      .option('task', { ...TASK, describe: `${TASK.describe} [default: those of the suite, else mnist/cnn]` })
      .option('suite', {
        type: 'string',
        describe: `tasks with settings of their own: ${suiteNames().join(', ')}; --task picks some of them`,
      })
      .option('seed', numbersOption('seed', { default: [1, 2, 3], describe: 'seeds, one run per seed' }))
      .option('tune', {
        type: 'number',
        requiresArg: true,
        describe: 'tune the learning rate of every method first: trials for each on each task',
      })
      .option('tune-seeds', { type: 'number', describe: 'seeds of each trial, none of them reported [default: 1]' })
      .option('tune-step-scale', {
        type: 'boolean',
        default: false,
        describe: 'with --tune: try half the step scale of nowcasters too, in as many trials',
      })
      .option('epochs', { type: 'number', describe: 'epochs of each run [default: the suite’s, else 20]' })
      .option('batch-size', { type: 'number', describe: 'examples in a batch [default: the suite’s, else 128]' })
      .option('optimizer', { choices: OPTIMIZERS, describe: 'optimizer [default: the suite’s, else adam]' })
      .option('learning-rate', {
        type: 'number',
        describe: 'learning rate, or with --tune the center of those tried [default: 0.001]',
      })
      .option('schedule', {
        type: 'string',
        describe: `learning-rate schedule: ${scheduleWords().join(', ')} [default: constant]`,
      })
      .option('validate', {
        type: 'string',
        describe: 'average to validate instead of the trained weights: ema:DECAY, lawa:K or swa:START',
      })
      .option('train-examples', {
        type: 'number',
        describe: 'training examples, drawn at random [default: the suite’s, else all]',
      })
      .option('validation-examples', {
        type: 'number',
        describe: 'validation examples [default: the suite’s, else all]',
      })
      .option('epoch-examples', {
        type: 'number',
        describe: 'training examples per epoch; epochs take them in turn [default: the suite’s, else all]',
      })
      .option(
        'target',
        numbersOption('target', {
          default: [] as number[],
          describe: 'further values of the metric to reach, e.g. 0.97,0.98',
        }),
      )
      .option('bests-after', {
        type: 'number',
        describe: 'epoch after which plain’s new bests count [default: 40% of the epochs]',
      })
      .option('seconds', {
        type: 'boolean',
        default: false,
        describe: 'train one run at a time, so that seconds can be compared',
      })
      .option('engine', ENGINE)
      .option('adapter', ADAPTER)
      .option('workers', WORKERS)
      .option('images', IMAGES)
      .option('out', { type: 'string', demandOption: true, describe: 'directory for results and runs' })
      .example('$0 evaluate --out eval', 'the shipped nowcaster, plain CNN on MNIST, three seeds')
      .example('$0 evaluate --nowcaster ours=weights/mine --tune 3 --out eval', 'against a tuned baseline')
      .example(
        '$0 evaluate --nowcaster ours=weights/mine --method linear,quadratic --task mnist/lenet,mnist/mlp --epochs 30 --out eval',
        'two tasks and two baselines',
      )
      .example(
        "$0 evaluate --method cosine,'ema?decay=0.98','plain?name=slow&learningRate=1e-4' --out eval",
        'baselines with settings of their own',
      )
      .example(
        '$0 evaluate --nowcaster ours=weights/mine --validate ema:0.99 --out eval',
        'an average validated in all',
      )
      .epilogue(
        ['Settings of methods and nowcasters: TYPE[:ARGUMENT]?KEY=VALUE&KEY=VALUE', ...settingLines()].join('\n'),
      ),
  handler: async (argv) => {
    const terminal = openTerminal(argv);
    try {
      const { shard, ...fleet } = chooseFleet(argv, terminal.note);
      const methodModules = await loadMethodModules(argv.methodModule);
      const options: EvaluateOptions = {
        ...fleet,
        out: argv.out,
        tasks: argv.task ?? (argv.suite === undefined ? ['mnist/cnn'] : undefined),
        suite: argv.suite,
        seeds: argv.seed,
        methods: chooseMethods(argv),
        methodModules,
        tune: chooseTuning(argv),
        epochs: argv.epochs,
        batchSize: argv.batchSize,
        optimizer: chooseOptimizer(argv),
        validate: argv.validate,
        trainExamples: argv['train-examples'],
        validationExamples: argv.validationExamples,
        epochExamples: argv.epochExamples,
        targets: argv.target,
        newBestsAfter: argv.bestsAfter,
        alone: argv.seconds,
        engine: argv.engine,
        adapter: argv.adapter,
        workers: argv.workers,
        images: argv.images,
        onProgress: terminal.progress,
        onNote: terminal.note,
        signal: interruptSignal(terminal),
      };
      if (shard) {
        const part = await evaluateShard(options, shard);
        terminal.close();
        printResult(argv, part, () => describeShard(part));
        return;
      }
      const result = await evaluate(options);
      terminal.close();
      printResult(
        argv,
        result,
        () =>
          `${evaluationText(result)}\n\n${result.file}: ${quantity(result.trained, 'run')} trained, ${result.kept} kept`,
      );
    } finally {
      terminal.close();
    }
  },
};
