// What a family of nowcaster networks is. A family is one folder, or one file outside the toolkit, and one entry of the
// list in index.ts.

import type { Graph } from '../network/graph.js';
import type { Penalties } from '../network/network.js';
import type { FamilyConfig, NowcasterSpec } from '../network/spec.js';

/** A kind of nowcaster network. */
export interface Family<Config extends FamilyConfig = FamilyConfig> {
  /** Written into `dataset.json`, `train.json`, `nowcaster.json` and the metadata of weight files. */
  id: string;
  /** One line for people. */
  description: string;
  /** Used for what a user does not set. Its keys are all that a config has. */
  defaultConfig: Config;
  /** What is wrong with a config whose keys and types are those of `defaultConfig`, or null. Default: nothing is. */
  configProblem?(config: Config): string | null;
  /**
   * Configs among which that of a weight file is looked for, which does not say it (h5). Told apart by the shapes of the
   * layers. Default: `defaultConfig` alone.
   */
  configs?: readonly Config[];
  /** Names of the inputs that the networks take from a window, see windows/inputs. Default: `['window']`. */
  inputs?: readonly string[];
  /** The network of a spec. Its output has one column a horizon. */
  graph(spec: NowcasterSpec<Config>): Graph;
  /** L1 penalties of the layers that the graph marks as penalized. Default: none. */
  penalties?: Penalties;
}
