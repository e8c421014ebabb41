// `wnn dataset`: trajectory stores in, samples out, with a table of what became of the windows of each kind.

import type { CommandModule } from 'yargs';
import {
  BALANCES,
  type Balance,
  buildDataset,
  type DatasetOptions,
  type DatasetResult,
  extractShard,
  type HoldOut,
  type ShardResult,
} from '../dataset/index.js';
import { UsageError } from '../errors.js';
import { NORMALIZATIONS } from '../network/spec.js';
import { DEFAULT_KINDS, type TrainedKind } from '../nowcaster/spec.js';
import { quantity } from '../quantity.js';
import { describeCadence, parseCadence } from '../trajectory/cadence.js';
import { chooseFleet, type FleetArguments, fleetOptions } from './fleet.js';
import { formatBytes, formatCount } from './format.js';
import { groupList, listOption, numbersOption, pathList } from './lists.js';
import { kindOption } from './sharedOptions.js';
import { stageOptions } from './stageOptions.js';
import { formatTable } from './table.js';
import { type GlobalArguments, interruptSignal, openTerminal, printResult } from './terminal.js';

/** Options of the stage that the command line takes under the same name and in the same form. */
type PlainOption =
  | 'out'
  | 'family'
  | 'inputLength'
  | 'normalization'
  | 'scalarsPerTensor'
  | 'windowStride'
  | 'firstSnapshot'
  | 'minRange'
  | 'validationShare'
  | 'includeInterrupted'
  | 'seed'
  | 'shardRows'
  | 'threads'
  | 'reuse'
  | 'merge';

interface DatasetArguments extends GlobalArguments, FleetArguments, Pick<DatasetOptions, PlainOption> {
  stores: string[];
  horizon: number[];
  holdOut?: string[];
  balance?: string[];
  kind?: string[];
  resample?: string;
  memoryMib?: number;
}

/** `architecture=lenet,mlp` and `task=mnist` as names of each. */
function parseHoldOut(values: readonly string[]): HoldOut {
  const groups = groupList(values, '--hold-out');
  for (const [field, names] of Object.entries(groups))
    if ((field !== 'architecture' && field !== 'task') || names.includes(''))
      throw new UsageError({
        what: `cannot hold out ${field}=${names.join(',')}`,
        where: '--hold-out',
        remedy: 'write architecture=NAME,NAME or task=NAME,NAME',
      });
  return groups;
}

/** The stage's options from the arguments. */
function optionsOf(argv: DatasetArguments): DatasetOptions {
  const { horizon, holdOut, balance, kind, resample, memoryMib, json: _json, quiet: _quiet, ...fleetAndPlain } = argv;
  const { queue: _queue, root: _root, shard: _shard, adapter: _adapter, ...plain } = fleetAndPlain;
  return {
    ...stageOptions(plain),
    horizons: horizon,
    holdOut: holdOut && parseHoldOut(holdOut),
    balance: balance as Balance[] | undefined,
    kinds: kind as TrainedKind[] | undefined,
    resample: resample === undefined ? undefined : parseCadence(resample, '--resample'),
    memory: memoryMib === undefined ? undefined : memoryMib * 2 ** 20,
  };
}

const figure = (value: number) => (value === 0 ? '0' : Number(value.toPrecision(3)).toString());

/** What a user wants to see of a dataset. */
function formatDataset({ dir, manifest, reused }: DatasetResult): string {
  const { runs, kinds, inputLength, horizons } = manifest;
  const held = runs.filter(({ split }) => split === 'val');
  const summaries = Object.entries(kinds);
  const shards = summaries.flatMap(([, { splits }]) => Object.values(splits).flatMap((part) => part.shards));
  const bytes = shards.reduce((sum, shard) => sum + shard.bytes, 0);
  const windows = formatTable(
    [
      'kind',
      'tensors',
      'windows',
      'drawn',
      'still',
      'small',
      'not finite',
      'diverged',
      'gaps',
      'nowcast',
      'train',
      'val',
    ],
    summaries.map(([kind, { tensors, seen, drawn, dropped, splits }]) => {
      const counts = [tensors, seen, drawn, dropped.zeroRange, dropped.smallRange, dropped.nonFinite];
      counts.push(
        dropped.pastDivergence,
        dropped.snapshotGap,
        dropped.nowcast ?? 0,
        splits.train.samples,
        splits.val.samples,
      );
      return [kind, ...counts.map(formatCount)];
    }),
  );
  const shown = [0, 0.01, 0.25, 0.5, 0.75, 0.99, 1];
  const targets = formatTable(
    ['target', ...shown.map((probability) => `${100 * probability}%`), 'mean |y|'],
    summaries.flatMap(([kind, summary]) =>
      summary.targets.map(({ horizon, quantiles, meanAbsolute }) => [
        horizons.length > 1 ? `${kind} +${horizon}` : kind,
        ...quantiles.filter(({ probability }) => shown.includes(probability)).map(({ value }) => figure(value)),
        figure(meanAbsolute),
      ]),
    ),
  );
  const heldNames = held.map(({ id }) => id).join(', ');
  return [
    windows,
    '',
    targets,
    '',
    `${quantity(runs.length, 'run')}, windows of ${quantity(inputLength, 'snapshot')} (${describeCadence(manifest.cadence)}), ${horizons.join(', ')} ahead` +
      `${held.length > 0 ? `; validation: ${held.length <= 6 ? heldNames : `${quantity(held.length, 'run')}`}` : ''}`,
    `${dir}: dataset.json, ${shards.length} shards, ${formatBytes(bytes)}${reused ? ' (there already)' : ''}`,
  ].join('\n');
}

function describeShard({ parts, runs, missing, made, kept }: ShardResult): string {
  return [
    `${parts}: ${quantity(made, 'run')} of this shard read, ${kept} were; ${missing} of all ${runs} missing`,
    'when none is missing, the same command with --merge in place of --shard makes the samples',
  ].join('\n');
}

export const datasetCommand: CommandModule<object, DatasetArguments> = {
  command: 'dataset <stores..>',
  describe: 'build training samples from recorded trajectories',
  builder: (yargs) =>
    fleetOptions(yargs)
      .positional('stores', {
        type: 'string',
        array: true,
        demandOption: true,
        coerce: pathList,
        describe: 'trajectory stores to read',
      })
      .option('out', { type: 'string', demandOption: true, describe: 'directory for the samples' })
      .option('input-length', { type: 'number', describe: 'snapshots in a window', default: 5 })
      .option('horizon', numbersOption('horizon', { describe: 'snapshots ahead to predict, e.g. 1,3,5', default: [5] }))
      .option('normalization', {
        choices: NORMALIZATIONS,
        describe: "of windows [default: the family's, range for wnn]",
      })
      .option('family', { type: 'string', describe: 'family of networks that the samples are for [default: wnn]' })
      .option('scalars-per-tensor', { type: 'number', describe: 'scalars drawn from a tensor, at most', default: 1000 })
      .option('window-stride', { type: 'number', describe: 'snapshots between the starts of windows', default: 1 })
      .option('first-snapshot', {
        type: 'number',
        describe: 'leave out snapshots before this one, counted from 0',
        default: 0,
      })
      .option('resample', {
        type: 'string',
        describe: "cadence of the samples, e.g. 200steps: a multiple of the runs' [default: theirs]",
      })
      .option('min-range', {
        type: 'number',
        describe: "leave out windows of a range below this share of the root mean square of their tensor's",
        default: 0,
      })
      .option('validation-share', { type: 'number', describe: 'share of runs kept for validation [default: 0.2]' })
      .option(
        'hold-out',
        listOption({
          describe: 'runs kept for validation: architecture=NAME,... or task=NAME,...',
          conflicts: 'validation-share',
        }),
      )
      .option('balance', listOption({ choices: BALANCES, describe: 'what gets even shares' }))
      .option('kind', kindOption(DEFAULT_KINDS.join(', ')))
      .option('include-interrupted', { type: 'boolean', describe: 'runs too that did not end', default: false })
      .option('seed', { type: 'number', describe: 'of the draw, the split and the order', default: 0 })
      .option('shard-rows', { type: 'number', describe: 'samples of a shard file, about', default: 2 ** 20 })
      .option('memory-mib', { type: 'number', describe: 'memory to use, in MiB', default: 1024 })
      .option('threads', { type: 'number', describe: 'runs read at once [default: one per core]' })
      .option('reuse', { type: 'boolean', describe: 'keep samples that are there and up to date', default: false })
      .option('merge', {
        type: 'boolean',
        describe: 'merge the parts that all shards wrote beside --out',
        conflicts: ['queue', 'shard'],
      })
      .example('$0 dataset data/mine/trajectories --out data/mine/samples', 'windows of 5 snapshots, 5 ahead')
      .example('$0 dataset data/a data/b --out data/ab --scalars-per-tensor 5000', 'two stores, more scalars')
      .example(
        'wnn dataset data/zoo --out data/paper --hold-out architecture=shufflenetv2,resnet-32',
        "the paper's split",
      )
      .example('$0 dataset data/zoo --out data/several --horizon 1,3,5', 'three horizons for one network'),
  async handler(argv) {
    const terminal = openTerminal(argv);
    let result: DatasetResult;
    try {
      const { shard, ...fleet } = argv.merge ? {} : chooseFleet(argv, terminal.note);
      const options: DatasetOptions = {
        ...optionsOf(argv),
        ...fleet,
        onProgress: terminal.progress,
        onNote: terminal.note,
        signal: interruptSignal(terminal),
      };
      if (shard) {
        const part = await extractShard(options, shard);
        terminal.close();
        printResult(argv, part, () => describeShard(part));
        return;
      }
      result = await buildDataset(options);
    } finally {
      terminal.close();
    }
    printResult(argv, { dir: result.dir, reused: result.reused, ...result.manifest }, () => formatDataset(result));
  },
};
