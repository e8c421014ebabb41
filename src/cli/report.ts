// `wnn report DIR`: one HTML page of what an evaluation found.

import type { CommandModule } from 'yargs';
import { UsageError } from '../errors.js';
import { quantity } from '../quantity.js';
import { writeReport } from '../report/index.js';
import { formatBytes } from './format.js';
import { listOption } from './lists.js';
import { type GlobalArguments, printResult } from './terminal.js';

interface ReportArguments extends GlobalArguments {
  directory: string;
  out?: string;
  title?: string;
  note?: string;
  training: string[];
}

/** `name=DIR` pairs as an object. */
function trainingsOf(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const split = pair.indexOf('=');
      if (split > 0) return [pair.slice(0, split), pair.slice(split + 1)];
      throw new UsageError({ what: 'no name', where: `--training ${pair}`, remedy: 'give NAME=DIR' });
    }),
  );
}

export const reportCommand: CommandModule<object, ReportArguments> = {
  command: 'report <directory>',
  describe: 'make one HTML page of an evaluation',
  builder: (yargs) =>
    yargs
      .positional('directory', { type: 'string', demandOption: true, describe: 'directory that `wnn evaluate` wrote' })
      .option('out', { type: 'string', describe: 'the page [default: report.html in the directory]' })
      .option('title', { type: 'string', describe: 'title of the page' })
      .option('note', { type: 'string', describe: 'what readers should know before they read, under the title' })
      .option(
        'training',
        listOption({
          default: [] as string[],
          describe: 'NAME=DIR of a nowcaster’s `wnn train --out`, for the curve of its training',
        }),
      )
      .example('$0 report eval', 'write eval/report.html'),
  handler: (argv) => {
    const result = writeReport({
      directory: argv.directory,
      out: argv.out,
      title: argv.title,
      note: argv.note,
      trainings: trainingsOf(argv.training),
    });
    printResult(
      argv,
      result,
      () => `${result.file}: ${quantity(result.charts, 'chart')}, ${formatBytes(result.bytes)}`,
    );
  },
};
