// What differs between Node and a browser: where a nowcaster's files are read from, and what runs its networks unless the
// user chooses. node.ts and browser.ts hand theirs to WeightForecasting; packages that `wnn export` makes use this one.

import { createDefaultCompute } from '../compute/defaultCompute.js';
import { UsageError } from '../errors.js';
import type { NetworkCompute } from '../network/compute.js';
import type { NowcasterSpec } from '../network/spec.js';
import type { NowcasterSource } from '../nowcaster/nowcaster.js';
import type { NoteListener } from '../progress.js';
import type { NowcasterNetworks } from './forecaster.js';
import { fetchSource } from './source.js';

/** Where WeightForecasting runs. */
export interface Platform {
  /** Loads the networks that ship with the toolkit. */
  loadShipped(): Promise<NowcasterNetworks>;
  /** The files of the nowcaster directory at an address. */
  sourceOf(location: string | URL): NowcasterSource;
  /** Makes what runs the networks. */
  createCompute(spec: NowcasterSpec, onNote?: NoteListener): NetworkCompute | Promise<NetworkCompute>;
}

/** Files are fetched, and no nowcaster ships. */
export const FETCH_PLATFORM: Platform = {
  async loadShipped() {
    throw new UsageError({
      what: 'no nowcaster',
      where: 'WeightForecasting.load',
      remedy: 'give the address of a nowcaster directory',
    });
  },
  sourceOf: fetchSource,
  createCompute: createDefaultCompute,
};
