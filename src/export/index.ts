// The export stage: one trained nowcaster in, the same nowcaster out in the formats that others read.

import { basename, resolve } from 'node:path';
import { UsageError } from '../errors.js';
import { describeFiles } from '../nowcaster/listedFile.js';
import { NOWCASTER_MANIFEST_NAME, NOWCASTER_SCHEMA_VERSION, type NowcasterManifest } from '../nowcaster/nowcaster.js';
import { networkOf, TRAINED_KINDS, type TrainedKind } from '../nowcaster/spec.js';
import { either, FLAG, listOf, needed, type OptionTypes, requireOptions, TEXT } from '../optionTypes.js';
import { TOOLKIT_VERSION } from '../version.js';
import type { ExportFormat } from './formats/format.js';
import { findExportFormat } from './formats/index.js';
import { type ExportSource, readSource, SOURCE_CHOICES, type SourceChoices, type SourceNetwork } from './readSource.js';
import { writeExport } from './target.js';

export type { EncodableNowcaster, EncodedNowcaster, ExportFormat } from './formats/format.js';
export { exportFormats, registerExportFormat } from './formats/index.js';
export { type H5Meaning, readH5 } from './h5Read.js';
export { exportPackage, PACKAGE_KINDS, type PackageOptions, type PackageResult } from './packages/index.js';
export type { PackageContent, PackageKind } from './packages/package.js';

/** Options of {@link exportNowcaster}. */
export interface ExportOptions extends SourceChoices {
  /**
   * What to export: the directory of a training, a nowcaster directory, or weight files (`.h5` of Keras 2 or 3,
   * `.safetensors`) of the kinds, recognized by Conv, FC, Bias, Norm and Embedding in their names, or else three in the
   * order conv, fc, bias.
   */
  from: string | readonly string[];
  /** Directory to write; must be absent, empty, or hold this export already. */
  to: string;
  /** Replace a nowcaster directory that is there. Default false. */
  overwrite?: boolean;
  /** Part of the h5 files' names: letters, digits, `.`, `_`, `-`. Default: that of the nowcaster read, or `to`'s name. */
  tag?: string;
  /** Ids of formats besides `tfjs`, which the callback reads and which is always written. Default `['h5']`. */
  formats?: readonly string[];
}

/** The types of {@link ExportOptions}. */
const EXPORT_OPTIONS: OptionTypes<ExportOptions> = {
  ...SOURCE_CHOICES,
  from: needed(either(TEXT, listOf(TEXT))),
  to: needed(TEXT),
  overwrite: FLAG,
  tag: TEXT,
  formats: listOf(TEXT),
};

/** Result of {@link exportNowcaster}. */
export interface ExportResult {
  /** The directory of the nowcaster. */
  directory: string;
  /** False when it held the same files already. */
  written: boolean;
  /** Its files, relative to it, and their sizes in bytes. */
  files: { path: string; bytes: number }[];
  manifest: NowcasterManifest;
}

async function encodeDirectory(
  { spec, cadence, recommended, kinds, dataset }: ExportSource,
  tag: string,
  formats: readonly ExportFormat[],
): Promise<{ manifest: NowcasterManifest; files: Record<string, Uint8Array> }> {
  const entries = Object.entries(kinds) as [TrainedKind, SourceNetwork][];
  const parameters = Object.fromEntries(entries.map(([kind, network]) => [kind, network.parameters]));
  const files: Record<string, Uint8Array> = {};
  const named: Partial<Record<TrainedKind, Record<string, string>>> = {};
  for (const format of formats) {
    const encoded = await format.encode({ tag, spec, network: networkOf(spec), parameters });
    Object.assign(files, encoded.files);
    for (const [kind, file] of Object.entries(encoded.main) as [TrainedKind, string][])
      named[kind] = { ...named[kind], [format.id]: file };
  }
  const manifest: NowcasterManifest = {
    schemaVersion: NOWCASTER_SCHEMA_VERSION,
    toolkitVersion: TOOLKIT_VERSION,
    tag,
    spec,
    cadence,
    recommended,
    kinds: Object.fromEntries(
      entries.map(([kind, { training, source }]) => [kind, { training, source, files: named[kind] ?? {} }]),
    ),
    files: describeFiles(files),
    dataset,
  };
  files[NOWCASTER_MANIFEST_NAME] = new TextEncoder().encode(`${JSON.stringify(manifest, null, 2)}\n`);
  return { manifest, files };
}

function checkTag(tag: string): string {
  if (!/^[\w.-]{1,100}$/.test(tag))
    throw new UsageError({
      what: `the tag ${JSON.stringify(tag)} does not fit into a file name`,
      where: '--tag',
      remedy: 'use letters, digits, dots, underscores and hyphens',
    });
  return tag;
}

/**
 * Writes a nowcaster directory: `nowcaster.json`, and a kind its files in each format. The same input gives the same
 * bytes. The directory appears whole or not at all.
 *
 * @throws {@link UsageError} when the target is not empty or an option is wrong, `MissingFileError`,
 * `InsufficientDataError` when a kind is missing, `CorruptFileError`, `MismatchError`, `WriteError`.
 */
export async function exportNowcaster(options: ExportOptions): Promise<ExportResult> {
  requireOptions('exportNowcaster', options, EXPORT_OPTIONS);
  const { to, overwrite = false, formats = ['h5'], kinds } = options;
  const from = typeof options.from === 'string' ? [options.from] : options.from;
  const chosen = [...new Set(['tfjs', ...formats])].map(findExportFormat);
  for (const kind of kinds ?? [])
    if (!TRAINED_KINDS.includes(kind))
      throw new UsageError({
        what: `unknown value ${kind}`,
        where: '--kind',
        remedy: `use ${TRAINED_KINDS.join(', ')}`,
      });
  if (from.length === 0 || kinds?.length === 0)
    throw new UsageError({
      what: 'nothing to export',
      where: from.length === 0 ? '--from' : '--kind',
      remedy: 'name at least one',
    });
  const source = await readSource(from, options);
  const tag = checkTag(options.tag ?? source.tag ?? basename(resolve(to)));
  const { manifest, files } = await encodeDirectory(source, tag, chosen);
  const written = writeExport(to, files, overwrite);
  return {
    directory: to,
    written,
    files: Object.entries(files).map(([path, content]) => ({ path, bytes: content.length })),
    manifest,
  };
}
