// `wnn collect import`: makes a run of the checkpoints that a training elsewhere left behind.

import type { CommandModule } from 'yargs';
import {
  IMPORT_ORDERS,
  type ImportedRun,
  type ImportOptions,
  type ImportResult,
  importCheckpoints,
  importers,
  loadImporterModules,
  parseGivenKind,
} from '../collect/import/index.js';
import { TENSOR_KINDS } from '../trajectory/schema.js';
import { formatCount } from './format.js';
import { listOption, pathList } from './lists.js';
import { STORE } from './sharedOptions.js';
import { formatTable } from './table.js';
import { type GlobalArguments, interruptSignal, openTerminal, printResult } from './terminal.js';

interface ImportArguments extends GlobalArguments {
  sources: string[];
  store: string;
  format: string;
  'importer-module': string[];
  order: NonNullable<ImportOptions['order']>;
  layout: NonNullable<ImportOptions['layout']>;
  select?: string;
  key?: string;
  include?: string[];
  exclude?: string[];
  kind?: string[];
  metrics?: string;
  id?: string;
  task?: string;
  architecture?: string;
}

function describeKinds({ kinds }: ImportedRun): (string | number)[] {
  return TENSOR_KINDS.map((kind) => (kinds[kind] ? formatCount(kinds[kind].parameters) : '-'));
}

function describeCounts(runs: readonly ImportedRun[]): string {
  const kept = runs.filter(({ written }) => !written).length;
  const imported = kept < runs.length || kept === 0 ? [`${formatCount(runs.length - kept)} imported`] : [];
  return [...imported, ...(kept > 0 ? [`${formatCount(kept)} up to date`] : [])].join(', ');
}

function describeResult({ store, runs }: ImportResult): string {
  const header = ['run', 'status', 'snapshots', ...TENSOR_KINDS];
  const rows = runs.map((run) => [run.id, run.status, run.snapshots, ...describeKinds(run)]);
  const lines = [formatTable(header, rows, 2), '', `${store}: ${describeCounts(runs)}`];
  for (const { id, status, reason, files } of runs) {
    if (status !== 'complete') lines.push(`${id} is ${status}: ${reason}`);
    if (files.length > 1) lines.push(`${id}: ${files[0]} ... ${files[files.length - 1]}`);
  }
  return lines.join('\n');
}

/** `wnn collect import`. */
export const collectImportCommand: CommandModule<object, ImportArguments> = {
  command: 'import <sources..>',
  describe: 'convert checkpoints of a training job elsewhere to a run',
  builder: (yargs) =>
    yargs
      .positional('sources', {
        type: 'string',
        array: true,
        demandOption: true,
        coerce: pathList,
        describe: 'checkpoints, or directories that hold them; each .mat is a run by itself',
      })
      .option('store', STORE)
      .option('format', {
        type: 'string',
        default: 'auto',
        describe: `format of the files, ${importers()
          .map(({ id }) => id)
          .join(', ')}; auto: by content, else by name`,
      })
      .option(
        'importer-module',
        listOption({
          default: [] as string[],
          describe: 'JavaScript modules that define importers of further formats',
        }),
      )
      .option('order', {
        choices: IMPORT_ORDERS,
        default: 'number' as const,
        describe: 'by the number with a word (epoch, step, ...) or the even one, the last number, by name, as given',
      })
      .option('select', { type: 'string', describe: "names of files to take out of directories, e.g. 'generator_*'" })
      .option('key', {
        type: 'string',
        describe: 'dictionary of tensors in files of PyTorch, e.g. ema [default: the one with the most values]',
      })
      .option(
        'include',
        listOption({ describe: "names of tensors to take although a rule leaves them out, e.g. 'ema.*'" }),
      )
      .option('exclude', listOption({ describe: "names of tensors to leave out, e.g. '*.mask'" }))
      .option(
        'kind',
        listOption({ describe: `kind of tensors by name, e.g. 'head.*=fc'; one of ${TENSOR_KINDS.join(', ')}` }),
      )
      .option('metrics', {
        type: 'string',
        describe: "log of the training: of Keras's CSVLogger, Lightning's metrics.csv, trainer_state.json",
      })
      .option('layout', {
        choices: ['auto', 'keras', 'torch'] as const,
        default: 'auto' as const,
        describe: "layout of kernels; auto: PyTorch's in its files, and where names are those of a state dict",
      })
      .option('id', { type: 'string', describe: 'id of the run [default: import-<directory>]' })
      .option('task', {
        type: 'string',
        // Without one of its own, yargs applies that of `wnn collect --task`, which makes a list.
        coerce: (task?: string) => task,
        describe: 'what the network learned, e.g. cifar10',
      })
      .option('architecture', { type: 'string', describe: 'what the network is called, e.g. resnet20' })
      .example('wnn collect import checkpoints/ --id mine --task cifar10', 'all checkpoints of a directory')
      .example('wnn collect import epoch-*.safetensors --order number', 'state dicts of PyTorch')
      .example("wnn collect import runs/a --select 'generator_*.pt' --key ema", 'one of two models, its average')
      .example('wnn collect import know/*.mat', 'files of the KNOW dataset, one run per file'),
  handler: async (argv) => {
    const terminal = openTerminal(argv);
    try {
      await loadImporterModules(argv.importerModule);
      const result = await importCheckpoints({
        sources: argv.sources,
        store: argv.store,
        format: argv.format,
        order: argv.order,
        layout: argv.layout,
        select: argv.select,
        key: argv.key,
        include: argv.include,
        exclude: argv.exclude,
        kinds: argv.kind?.map(parseGivenKind),
        metrics: argv.metrics,
        id: argv.id,
        task: argv.task,
        architecture: argv.architecture,
        onProgress: terminal.progress,
        onNote: terminal.note,
        signal: interruptSignal(terminal),
      });
      terminal.close();
      printResult(argv, result, () => describeResult(result));
    } finally {
      terminal.close();
    }
  },
};
