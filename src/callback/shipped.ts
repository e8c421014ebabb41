// Where the nowcaster that ships with the toolkit is. The one module that names its directory; packages that `wnn export`
// makes do not have it, since they carry networks of their own.

import type { NowcasterSource } from '../nowcaster/nowcaster.js';
import { fetchFile } from './source.js';

/**
 * Addresses of the shipped nowcaster's files, by their path in its directory: `file:` in Node, and in a browser beside
 * the module.
 */
export function shippedFiles(): Record<string, URL> {
  // Each address is one whole expression: this is the form that bundlers find, to bring the file along.
  return {
    'nowcaster.json': new URL('../../weights/zoo/nowcaster.json', import.meta.url),
    'tfjs/conv/model.json': new URL('../../weights/zoo/tfjs/conv/model.json', import.meta.url),
    'tfjs/conv/weights.bin': new URL('../../weights/zoo/tfjs/conv/weights.bin', import.meta.url),
    'tfjs/fc/model.json': new URL('../../weights/zoo/tfjs/fc/model.json', import.meta.url),
    'tfjs/fc/weights.bin': new URL('../../weights/zoo/tfjs/fc/weights.bin', import.meta.url),
    'tfjs/bias/model.json': new URL('../../weights/zoo/tfjs/bias/model.json', import.meta.url),
    'tfjs/bias/weights.bin': new URL('../../weights/zoo/tfjs/bias/weights.bin', import.meta.url),
  };
}

/** What errors call the shipped nowcaster. */
export const SHIPPED_NAME = 'the nowcaster that ships with the toolkit';

/** Fetches the shipped nowcaster's files. */
export const shippedSource: NowcasterSource = (relativePath) =>
  fetchFile(shippedFiles()[relativePath], 'give `load` the address of a nowcaster directory that your site serves');
