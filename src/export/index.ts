// The export stage: one trained nowcaster in, the same nowcaster out in the formats that others read.

import { basename, resolve } from 'node:path';
import { UsageError } from '../errors.js';
import {
  NOWCASTER_MANIFEST_NAME,
  NOWCASTER_SCHEMA_VERSION,
  type NowcasterManifest,
  tfjsModelPath,
} from '../nowcaster/nowcaster.js';
import { KIND_FILE_NAMES, TRAINED_KINDS, type TrainedKind, type WnnSpec } from '../nowcaster/spec.js';
import { encodeWeights } from '../nowcaster/weightsFile.js';
import { TOOLKIT_VERSION } from '../version.js';
import { encodeH5 } from './h5Write.js';
import { encodeOnnx } from './onnx.js';
import { type ExportSource, readSource, type SourceNetwork } from './readSource.js';
import { checkTarget, replaceDirectory } from './replaceDirectory.js';
import { encodeTfjsModel } from './tfjsModel.js';

export { type H5Meaning, readH5 } from './h5Read.js';
export { exportNpmPackage, type NpmPackageOptions, type NpmPackageResult } from './npmPackage.js';

/** Formats of a nowcaster directory. `tfjs` is always written: the callback reads it. */
export const EXPORT_FORMATS = ['tfjs', 'h5', 'safetensors', 'onnx'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** Options of {@link exportNowcaster}. */
export interface ExportOptions {
  /**
   * What to export: the directory of a training, a nowcaster directory, or weight files (`.h5` of Keras 2 or 3,
   * `.safetensors`) of the kinds, recognized by Conv, FC and Bias in their names or else in that order.
   */
  from: string | readonly string[];
  /** Directory to write; must be absent or empty. */
  to: string;
  /** Replace a nowcaster directory that is there. Default false. */
  overwrite?: boolean;
  /** Part of the h5 files' names: letters, digits, `.`, `_`, `-`. Default: that of the nowcaster read, or `to`'s name. */
  tag?: string;
  /** Formats besides `tfjs`. Default `['h5']`. */
  formats?: readonly ExportFormat[];
  /** Kinds to export. Default: all three, each of which must be there. */
  kinds?: readonly TrainedKind[];
  /**
   * How far training jobs should go, in times the way from a weight to its forecast; above 0, at most 10. Find it with
   * `wnn evaluate`. Default: that of the nowcaster read, or 1.
   */
  reach?: number;
  /**
   * Epochs from one nowcast to the next in training jobs. Default: that of the nowcaster read, or the window's length.
   */
  period?: number;
  /** Normalization of a network read from h5. Default `range`. */
  normalization?: WnnSpec['normalization'];
  /** Epochs ahead of each output of a network read from h5. Default `[5]` for one output. */
  horizons?: number[];
}

/** Result of {@link exportNowcaster}. */
export interface ExportResult {
  /** The directory written. */
  directory: string;
  /** Its files, relative to it, and their sizes in bytes. */
  files: { path: string; bytes: number }[];
  manifest: NowcasterManifest;
}

/** The files of one kind in one format, and which of them is named in the manifest. */
async function encodeKind(
  format: ExportFormat,
  kind: TrainedKind,
  tag: string,
  spec: WnnSpec,
  parameters: Float32Array,
): Promise<{ main: string; files: Record<string, Uint8Array> }> {
  const name = `NWNN_${KIND_FILE_NAMES[kind]}_${tag}`;
  switch (format) {
    case 'tfjs': {
      const main = tfjsModelPath(kind);
      const folder = main.slice(0, main.lastIndexOf('/') + 1);
      const files = await encodeTfjsModel(`nowcaster_${kind}`, spec, parameters);
      return { main, files: Object.fromEntries(Object.entries(files).map(([file, bytes]) => [folder + file, bytes])) };
    }
    case 'h5':
      return { main: `${name}.h5`, files: { [`${name}.h5`]: await encodeH5(spec, parameters) } };
    case 'safetensors':
      return { main: `${name}.safetensors`, files: { [`${name}.safetensors`]: encodeWeights(spec, parameters) } };
    case 'onnx':
      return { main: `${name}.onnx`, files: { [`${name}.onnx`]: encodeOnnx(`nowcaster_${kind}`, spec, parameters) } };
    default:
      format satisfies never;
      throw new UsageError({
        what: `unknown format ${String(format)}`,
        where: '--format',
        remedy: `use ${EXPORT_FORMATS.join(', ')}`,
      });
  }
}

async function encodeDirectory(
  { spec, reach, period, kinds, dataset }: ExportSource,
  tag: string,
  formats: readonly ExportFormat[],
): Promise<{ manifest: NowcasterManifest; files: Record<string, Uint8Array> }> {
  const files: Record<string, Uint8Array> = {};
  const manifest: NowcasterManifest = {
    schemaVersion: NOWCASTER_SCHEMA_VERSION,
    toolkitVersion: TOOLKIT_VERSION,
    tag,
    spec,
    ...(reach !== 1 && { reach }),
    ...(period !== spec.inputLength && { period }),
    kinds: {},
    dataset,
  };
  for (const [kind, { parameters, training, source }] of Object.entries(kinds) as [TrainedKind, SourceNetwork][]) {
    const named: Record<string, string> = {};
    for (const format of formats) {
      const encoded = await encodeKind(format, kind, tag, spec, parameters);
      named[format] = encoded.main;
      Object.assign(files, encoded.files);
    }
    manifest.kinds[kind] = { training, source, files: named };
  }
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
  const { to, overwrite = false, formats = ['h5'], kinds, reach, period, normalization, horizons } = options;
  const from = typeof options.from === 'string' ? [options.from] : options.from;
  for (const [value, known, where] of [
    ...formats.map((format) => [format, EXPORT_FORMATS, '--format (or npm alone)'] as const),
    ...(kinds ?? []).map((kind) => [kind, TRAINED_KINDS, '--kinds'] as const),
  ]) {
    if (!(known as readonly string[]).includes(value))
      throw new UsageError({ what: `unknown value ${value}`, where, remedy: `use ${known.join(', ')}` });
  }
  if (from.length === 0 || kinds?.length === 0)
    throw new UsageError({
      what: 'nothing to export',
      where: from.length === 0 ? '--from' : '--kinds',
      remedy: 'name at least one',
    });
  checkTarget(to, overwrite ? NOWCASTER_MANIFEST_NAME : null);
  const source = await readSource(from, { kinds, reach, period, normalization, horizons });
  const tag = checkTag(options.tag ?? source.tag ?? basename(resolve(to)));
  const { manifest, files } = await encodeDirectory(source, tag, [
    'tfjs',
    ...formats.filter((name) => name !== 'tfjs'),
  ]);
  replaceDirectory(to, files);
  return {
    directory: to,
    files: Object.entries(files).map(([path, content]) => ({ path, bytes: content.length })),
    manifest,
  };
}
