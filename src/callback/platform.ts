// What differs between Node and a browser: where a nowcaster's files are read from, and what runs its networks unless the
// user chooses. node.ts and browser.ts hand theirs to WeightForecasting; packages that `wnn export` makes use this one.

import { createDefaultCompute } from '../compute/defaultCompute.js';
import { UsageError } from '../errors.js';
import type { NetworkCompute } from '../network/compute.js';
import type { NowcasterSpec } from '../network/spec.js';
import type { NowcasterSource } from '../nowcaster/nowcaster.js';
import type { NoteListener } from '../progress.js';
import { fetchSource } from './source.js';

/** Where WeightForecasting runs. */
export interface Platform {
  /** Opens the nowcaster at an address; without one, that which ships with the toolkit. */
  openNowcaster(location: string | URL | undefined): {
    source: NowcasterSource;
    /** What errors call it. */
    name: string;
  };
  /** Makes what runs the networks. */
  createCompute(spec: NowcasterSpec, onNote?: NoteListener): NetworkCompute | Promise<NetworkCompute>;
}

/** Files are fetched, and no nowcaster ships. */
export const FETCH_PLATFORM: Platform = {
  openNowcaster(location) {
    if (location !== undefined) return { source: fetchSource(location), name: String(location) };
    throw new UsageError({
      what: 'no nowcaster',
      where: 'WeightForecasting.load',
      remedy: 'give the address of a nowcaster directory',
    });
  },
  createCompute: createDefaultCompute,
};
