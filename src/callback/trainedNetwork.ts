// The networks that can be nowcast: models of tfjs-layers, and variables by name.

import type * as tf from '@tensorflow/tfjs-core';
import type * as tfl from '@tensorflow/tfjs-layers';

/** A network in a loop of one's own: a tfjs-layers model, or the variables of any other, by name. */
export type TrainedNetwork = tfl.LayersModel | Readonly<Record<string, tf.Variable>>;

/** Whether a network is a model of tfjs-layers. */
export function isModel(network: TrainedNetwork): network is tfl.LayersModel {
  return Array.isArray((network as Partial<tfl.LayersModel>).layers);
}
