// What an architecture of the zoo is: a name and a function that builds the network. No training here.

import type * as tfl from '@tensorflow/tfjs-layers';
import type { LayerKit } from './layerKit.js';

/** What a network is built for. */
export interface ModelOptions {
  /** Shape of one example: [height, width, channels] for images, [steps, symbols] for text. */
  inputShape: readonly number[];
  /** Number of classes. */
  classes: number;
  /** Fixes all initial weights. */
  seed: number;
  /** Factor on the number of channels and hidden units, 0.125 to 4. Default 1. */
  width?: number;
}

/** One architecture. One per file of this directory. */
export interface Architecture {
  name: string;
  /** Other names by which it can be asked for. */
  aliases?: readonly string[];
  /** The rank of the inputs that it takes: 3 for images, 2 for text. */
  inputRank: number;
  /** Adds the hidden layers to the input and gives the last ones' output, from which classes are told apart. */
  build(input: tfl.SymbolicTensor, kit: LayerKit): tfl.SymbolicTensor;
}
