// The interface of an architecture: a name and a function that builds the network.

import type * as tfl from '@tensorflow/tfjs-layers';
import type { LayerKit } from './layerKit.js';
import type { ArchitectureOptions, DeclaredOptions } from './options.js';

/** Options of a network. */
export interface ModelOptions {
  /** Shape of one example: [height, width, channels] for images, [steps, symbols] for text. */
  inputShape: readonly number[];
  /** Number of classes. */
  classes: number;
  /** Seed of all initial weights. */
  seed: number;
  /** Options of the architecture, `width` among them. Default: the architecture's own defaults. */
  options?: ArchitectureOptions;
}

/** An architecture. One per file of this directory. */
export interface Architecture {
  name: string;
  /** Alternative names. */
  aliases?: readonly string[];
  /** Rank of its inputs: 3 for images, 2 for text. */
  inputRank: number;
  /** Its options besides `width`, which every architecture has. Default: none. */
  options?: DeclaredOptions;
  /** Whether `build` returns class probabilities itself. Default: a dense layer with softmax is added. */
  outputsClasses?: boolean;
  /**
   * Adds the hidden layers and returns the output from which the classes are computed.
   *
   * @param options values of all options, checked.
   */
  build(input: tfl.SymbolicTensor, kit: LayerKit, options: ArchitectureOptions): tfl.SymbolicTensor;
}
