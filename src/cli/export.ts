// `wnn export`: a trained nowcaster, or weight files from elsewhere, as a directory that training jobs load.

import { join } from 'node:path';
import type { CommandModule } from 'yargs';
import { UsageError } from '../errors.js';
import {
  type ExportResult,
  exportFormats,
  exportNowcaster,
  exportPackage,
  PACKAGE_KINDS,
  type PackageResult,
} from '../export/index.js';
import type { WindowSpec } from '../network/spec.js';
import { findNowcasterDirectory, SHIPPED_WORD } from '../nowcaster/shippedDirectory.js';
import { TRAINED_KINDS, type TrainedKind } from '../nowcaster/spec.js';
import { quantity } from '../quantity.js';
import { formatBytes } from './format.js';
import { listOption, numbersOption } from './lists.js';
import { kindOption } from './sharedOptions.js';
import { formatTable } from './table.js';
import { type GlobalArguments, printResult } from './terminal.js';

interface ExportArguments extends GlobalArguments {
  from: string[];
  to: string;
  tag?: string;
  format: string[];
  name?: string;
  packageVersion?: string;
  kind?: string[];
  partial: boolean;
  stepScale?: number;
  period?: number;
  start?: number;
  normalization?: WindowSpec['normalization'];
  horizon?: number[];
  overwrite: boolean;
}

const packageIds = PACKAGE_KINDS.map(({ id }) => id);

function describeExport({ directory, written, files, manifest }: ExportResult): string {
  const trained = TRAINED_KINDS.filter((kind) => manifest.kinds[kind]?.training);
  const rows = trained.map((kind) => {
    const { noChange, linear, network } = manifest.kinds[kind]!.training!.validation;
    return [kind, noChange.toFixed(5), linear.toFixed(5), network.toFixed(5)];
  });
  return [
    `Nowcaster ${manifest.tag} (${Object.keys(manifest.kinds).join(', ')}) in ${directory}${written ? '' : ', up to date'}`,
    '',
    ...(rows.length > 0 ? [formatTable(['kind', 'no change', 'linear', 'network'], rows), ''] : []),
    ...files.map(({ path, bytes }) => `${join(directory, path)} (${formatBytes(bytes)})`),
  ].join('\n');
}

function describePackage({ directory, written, name, version, files, commands }: PackageResult): string {
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  return [
    `Package ${name}@${version} in ${directory} (${quantity(files.length, 'file')}, ${formatBytes(bytes)})${written ? '' : ', up to date'}`,
    '',
    `Look at it:  ${commands.look}`,
    `Publish it:  ${commands.publish}`,
  ].join('\n');
}

export const exportCommand: CommandModule<object, ExportArguments> = {
  command: 'export',
  describe: 'write a nowcaster in the formats that training jobs read',
  builder: (yargs) =>
    yargs
      .option(
        'from',
        listOption({
          demandOption: true,
          describe: 'directory of `wnn train` or of a nowcaster, or weight files: conv.h5,fc.h5,bias.h5',
        }),
      )
      .option('to', { type: 'string', demandOption: true, describe: 'directory to write; must be absent or empty' })
      .option('tag', { type: 'string', describe: "part of the h5 files' names [default: name of the directory]" })
      .option(
        'format',
        listOption({
          default: ['h5'],
          describe: `formats besides tfjs: ${exportFormats()
            .map(({ id }) => id)
            .join(', ')}; or alone, a package: ${packageIds.join(', ')}`,
        }),
      )
      .option('name', { type: 'string', describe: 'name of the package' })
      .option('package-version', { type: 'string', describe: 'version of the package [default: 1.0.0]' })
      .option('kind', kindOption('conv, fc, bias, and what else is there'))
      .option('partial', {
        type: 'boolean',
        default: false,
        describe: 'take the best weights so far of kinds whose training has not ended',
      })
      .option('step-scale', {
        type: 'number',
        describe: 'multiplier on the predicted update in training jobs [default: 1, or as before]',
      })
      .option('period', {
        type: 'number',
        describe: "snapshots from nowcast to nowcast in training jobs [default: the window's length, or as before]",
      })
      .option('start', {
        type: 'number',
        describe: 'first snapshot (from 0) after which a nowcast may happen [default: by the samples, or as before]',
      })
      .option('normalization', {
        choices: ['range', 'none'] as const,
        describe: 'how h5 files from elsewhere expect their input [default: range]',
      })
      .option(
        'horizon',
        numbersOption('horizon', { describe: 'epochs ahead of the outputs of h5 files from elsewhere [default: 5]' }),
      )
      .option('overwrite', { type: 'boolean', default: false, describe: 'replace a nowcaster directory' })
      .example('$0 export --from data/quick/training --to weights/mine', 'export what was trained')
      .example('$0 export --from weights/mine --to weights/bold --step-scale 1.5', 'multiply updates by 1.5')
      .example('$0 export --from weights/mine --to pkg --format npm --name my-nowcaster', 'make an npm package of it')
      .example(
        '$0 export --from weights/mine --to py --format python --name my-nowcaster',
        'make a Python package of it',
      )
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
    kind,
    partial,
    stepScale,
    period,
    start,
    normalization,
    horizon,
    overwrite,
    ...argv
  }) => {
    const shared = {
      // Paths are told as they were given.
      from: from.map((path) => (path === SHIPPED_WORD ? findNowcasterDirectory(path) : path)),
      to,
      kinds: kind as TrainedKind[] | undefined,
      partial,
      recommended: { stepScale, period, start },
      normalization,
      horizons: horizon,
    };
    const packageKind = format.find((id) => packageIds.includes(id));
    if (packageKind !== undefined) {
      if (format.length > 1 || name === undefined)
        throw new UsageError({
          what: name === undefined ? 'the package has no name' : `${packageKind} goes with no other format`,
          where: `--format ${format.join(',')}`,
          remedy: `use --format ${packageKind} --name NAME`,
        });
      const made = await exportPackage({ ...shared, format: packageKind, name, version: packageVersion });
      printResult(argv, made, () => describePackage(made));
      return;
    }
    const result = await exportNowcaster({ ...shared, tag, formats: format, overwrite });
    printResult(argv, result, () => describeExport(result));
  },
};
