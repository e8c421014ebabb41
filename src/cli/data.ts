// `wnn data list` and `wnn data get NAME`: which datasets there are, and putting them in place.

import type { CommandModule } from 'yargs';
import { datasetNames, findDataSource, imagesDirectory } from '../tasks/dataset.js';
import { isPresent, obtainData } from '../tasks/obtainData.js';
import { formatBytes, formatCount } from './format.js';
import { IMAGES } from './sharedOptions.js';
import { formatTable } from './table.js';
import { type GlobalArguments, interruptSignal, openTerminal, printResult } from './terminal.js';

interface DataArguments extends GlobalArguments {
  images?: string;
}

interface GetArguments extends DataArguments {
  name: string;
  from?: string;
}

const listCommand: CommandModule<object, DataArguments> = {
  command: 'list',
  describe: 'list the datasets and whether they are here',
  builder: (yargs) => yargs.option('images', IMAGES),
  handler: (argv) => {
    const directory = argv.images ?? imagesDirectory();
    const datasets = datasetNames()
      .map(findDataSource)
      .map((source) => ({
        name: source.name,
        shape: source.inputShape,
        classes: source.classes,
        state: !isPresent(source, directory) ? 'absent' : source.downloads === null ? 'installed' : 'present',
        downloadBytes: source.downloads?.reduce((sum, { bytes }) => sum + bytes, 0) ?? 0,
        addresses: source.downloads?.map(({ url }) => url) ?? [],
      }));
    printResult(argv, { directory, datasets }, () => {
      const rows = datasets.map(({ name, shape, classes, state, downloadBytes }) => [
        name,
        state,
        shape.join('x'),
        classes,
        downloadBytes > 0 ? formatBytes(downloadBytes) : '-',
      ]);
      const table = formatTable(['dataset', 'state', 'shape', 'classes', 'download'], rows, 2);
      return `${table}\n\nDownloaded ones are kept in ${directory}. Get one with \`wnn data get NAME\`.`;
    });
  },
};

const getCommand: CommandModule<object, GetArguments> = {
  command: 'get <name>',
  describe: 'download a dataset, or take it from a directory',
  builder: (yargs) =>
    yargs
      .positional('name', { type: 'string', demandOption: true, describe: 'dataset, see `wnn data list`' })
      .option('from', { type: 'string', describe: 'directory that already has the files or the official archive' })
      .option('images', IMAGES)
      .example('wnn data get fashion-mnist', 'download it and check it')
      .example('wnn data get cifar10 --from ~/cifar-10-batches-bin', 'take the files that are there'),
  handler: async (argv) => {
    const source = findDataSource(argv.name);
    const terminal = openTerminal(argv);
    try {
      const result = await obtainData(source, {
        from: argv.from,
        directory: argv.images,
        onProgress: terminal.progress,
        signal: interruptSignal(terminal),
      });
      terminal.close();
      printResult(argv, result, () => {
        const examples = `${formatCount(result.trainExamples)} + ${formatCount(result.validationExamples)} ${source.unit}`;
        return [`${result.name}: ${result.origin}, ${examples}, ${formatBytes(result.bytes)}`, ...result.files].join(
          '\n',
        );
      });
    } finally {
      terminal.close();
    }
  },
};

/** `wnn data`. */
export const dataCommand: CommandModule<object, GlobalArguments> = {
  command: 'data',
  describe: 'list and fetch the datasets that tasks train on',
  builder: (yargs) => yargs.command(listCommand).command(getCommand).demandCommand(1, 'say list or get'),
  handler: () => {},
};
