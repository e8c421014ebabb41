// `wnn export`: a trained nowcaster, or weight files from elsewhere, as a directory that training jobs load.

import { join } from 'node:path';
import type { CommandModule } from 'yargs';
import { UsageError } from '../errors.js';
import {
  type ExportResult,
  exportFormats,
  exportNowcaster,
  exportNpmPackage,
  type NpmPackageResult,
} from '../export/index.js';
import type { WindowSpec } from '../network/spec.js';
import { TRAINED_KINDS, type TrainedKind } from '../nowcaster/spec.js';
import { formatBytes } from './figures.js';
import { formatTable } from './table.js';
import { type GlobalArguments, printResult } from './terminal.js';

interface ExportArguments extends GlobalArguments {
  from: string;
  to: string;
  tag?: string;
  format: string;
  name?: string;
  packageVersion?: string;
  kinds?: string;
  stepScale?: number;
  period?: number;
  normalization?: WindowSpec['normalization'];
  horizons?: string;
  overwrite: boolean;
}

const splitList = (text: string): string[] =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');

/** `5,7` as numbers. */
function parseHorizons(text: string): number[] {
  const horizons = splitList(text).map(Number);
  if (horizons.length === 0 || horizons.some((horizon) => !Number.isInteger(horizon) || horizon < 1 || horizon > 20))
    throw new UsageError({ what: `not a list of horizons: ${text}`, where: '--horizons', remedy: 'use e.g. 3,5,7' });
  return horizons;
}

function describeExport({ directory, written, files, manifest }: ExportResult): string {
  const trained = TRAINED_KINDS.filter((kind) => manifest.kinds[kind]?.training);
  const figures = trained.map((kind) => {
    const { noChange, linear, network } = manifest.kinds[kind]!.training!.validation;
    return [kind, noChange.toFixed(5), linear.toFixed(5), network.toFixed(5)];
  });
  return [
    `Nowcaster ${manifest.tag} (${Object.keys(manifest.kinds).join(', ')}) in ${directory}${written ? '' : ', up to date'}`,
    '',
    ...(figures.length > 0 ? [formatTable(['kind', 'no change', 'linear', 'network'], figures), ''] : []),
    ...files.map(({ path, bytes }) => `${join(directory, path)} (${formatBytes(bytes)})`),
  ].join('\n');
}

function describePackage({ directory, written, name, version, files }: NpmPackageResult): string {
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  return [
    `Package ${name}@${version} in ${directory} (${files.length} files, ${formatBytes(bytes)})${written ? '' : ', up to date'}`,
    '',
    `Look at it:  npm pack --dry-run ${directory}`,
    `Publish it:  npm publish ${directory}`,
  ].join('\n');
}

export const exportCommand: CommandModule<object, ExportArguments> = {
  command: 'export',
  describe: 'write a nowcaster in the formats that training jobs read',
  builder: (yargs) =>
    yargs
      .option('from', {
        type: 'string',
        demandOption: true,
        describe: 'directory of `wnn train` or of a nowcaster, or weight files: conv.h5,fc.h5,bias.h5',
      })
      .option('to', { type: 'string', demandOption: true, describe: 'directory to write; must be absent or empty' })
      .option('tag', { type: 'string', describe: "part of the h5 files' names [default: name of the directory]" })
      .option('format', {
        type: 'string',
        default: 'h5',
        describe: `formats besides tfjs, separated by commas: ${exportFormats()
          .map(({ id }) => id)
          .join(', ')}; or npm alone: a package`,
      })
      .option('name', { type: 'string', describe: 'name of the npm package' })
      .option('package-version', { type: 'string', describe: 'version of the npm package [default: 1.0.0]' })
      .option('kinds', { type: 'string', describe: 'kinds to export, e.g. conv,fc [default: all three]' })
      .option('step-scale', {
        type: 'number',
        describe: 'multiplier on the predicted update in training jobs [default: 1, or as before]',
      })
      .option('period', {
        type: 'number',
        describe: "epochs from nowcast to nowcast in training jobs [default: the window's length, or as before]",
      })
      .option('normalization', {
        choices: ['range', 'none'] as const,
        describe: 'how h5 files from elsewhere expect their input [default: range]',
      })
      .option('horizons', { type: 'string', describe: 'epochs ahead of the outputs of h5 files [default: 5]' })
      .option('overwrite', { type: 'boolean', default: false, describe: 'replace a nowcaster directory' })
      .example('$0 export --from data/quick/training --to weights/mine', 'export what was trained')
      .example('$0 export --from weights/mine --to weights/bold --step-scale 1.5', 'go half as far again')
      .example('$0 export --from weights/mine --to pkg --format npm --name my-nowcaster', 'make an npm package of it')
      .example(
        '$0 export --from NWNN_Conv_13.h5,NWNN_FC_13.h5,NWNN_Bias_13.h5 --to weights/published',
        'make published weight files usable here',
      ),
  handler: async ({
    from,
    to,
    tag,
    format,
    name,
    packageVersion,
    kinds,
    stepScale,
    period,
    normalization,
    horizons,
    overwrite,
    ...argv
  }) => {
    const shared = {
      from: splitList(from),
      to,
      kinds: kinds === undefined ? undefined : (splitList(kinds) as TrainedKind[]),
      recommended: { stepScale, period },
      normalization,
      horizons: horizons === undefined ? undefined : parseHorizons(horizons),
    };
    const formats = splitList(format);
    if (formats.includes('npm')) {
      if (formats.length > 1 || name === undefined)
        throw new UsageError({
          what: name === undefined ? 'the package has no name' : 'npm goes with no other format',
          where: `--format ${format}`,
          remedy: 'use --format npm --name NAME',
        });
      const made = await exportNpmPackage({ ...shared, name, version: packageVersion });
      printResult(argv, made, () => describePackage(made));
      return;
    }
    const result = await exportNowcaster({ ...shared, tag, formats, overwrite });
    printResult(argv, result, () => describeExport(result));
  },
};
