// The interface of a family of nowcaster networks. A family is a folder, or a file outside the toolkit, and an entry in
// the list of index.ts.

import type { Graph } from '../network/graph.js';
import type { Penalties } from '../network/network.js';
import type { FamilyConfig, Normalization, NowcasterSpec } from '../network/spec.js';

/** A kind of nowcaster network. */
export interface Family<Config extends FamilyConfig = FamilyConfig> {
  /** Written into `dataset.json`, `train.json`, `nowcaster.json` and the metadata of weight files. */
  id: string;
  /** One-line description. */
  description: string;
  /** Default values. Its keys are the keys of every config. */
  defaultConfig: Config;
  /** Validates a config whose keys and types are those of `defaultConfig`: a message, or null if valid. Default: valid. */
  configProblem?(config: Config): string | null;
  /**
   * Candidate configs for weight files that do not record one (h5). They are distinguished by the shapes of the layers.
   * Default: `defaultConfig` alone.
   */
  configs?: readonly Config[];
  /** Names of the networks' inputs, see windows/inputs. Default: `['window']`. */
  inputs?: readonly string[];
  /** The normalization that samples for it have unless the user chooses another. Default: `range`. */
  normalization?: Normalization;
  /** The network of a spec. Its output has one column per horizon. */
  graph(spec: NowcasterSpec<Config>): Graph;
  /** L1 penalties of the layers that the graph marks as penalized. Default: none. */
  penalties?: Penalties;
}
