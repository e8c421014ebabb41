// The interface of an architecture: a name and a function that builds the network.

import type * as tfl from '@tensorflow/tfjs-layers';
import type { LayerKit } from './layerKit.js';

/** Options of a network. */
export interface ModelOptions {
  /** Shape of one example: [height, width, channels] for images, [steps, symbols] for text. */
  inputShape: readonly number[];
  /** Number of classes. */
  classes: number;
  /** Seed of all initial weights. */
  seed: number;
  /** Factor on the number of channels and hidden units, 0.125 to 4. Default 1. */
  width?: number;
}

/** An architecture. One per file of this directory. */
export interface Architecture {
  name: string;
  /** Alternative names. */
  aliases?: readonly string[];
  /** Rank of its inputs: 3 for images, 2 for text. */
  inputRank: number;
  /** Adds the hidden layers and returns the output from which the classes are computed. */
  build(input: tfl.SymbolicTensor, kit: LayerKit): tfl.SymbolicTensor;
}
