// The list of export formats.

import { unknownName } from '../../nearestName.js';
import { PACKAGE_KINDS } from '../packages/index.js';
import type { ExportFormat } from './format.js';
import { h5 } from './h5.js';
import { onnx } from './onnx.js';
import { safetensors } from './safetensors.js';
import { tfjs } from './tfjs.js';

const FORMATS = new Map<string, ExportFormat>([tfjs, h5, safetensors, onnx].map((format) => [format.id, format]));

/** All formats, in the order in which they are written. */
export function exportFormats(): ExportFormat[] {
  return [...FORMATS.values()];
}

/**
 * Adds a format of your own.
 *
 * @throws Error when there is a format of that id.
 */
export function registerExportFormat(format: ExportFormat): void {
  if (FORMATS.has(format.id)) throw new Error(`there is a format ${format.id} already`);
  FORMATS.set(format.id, format);
}

/** The format of that id. @throws UsageError naming the known ones. */
export function findExportFormat(id: string): ExportFormat {
  const format = FORMATS.get(id);
  if (format !== undefined) return format;
  throw unknownName('format', id, [...FORMATS.keys(), ...PACKAGE_KINDS.map((kind) => kind.id)]);
}
