// What a callback trains along with: a tfjs-layers model of whatever copy, or any other network's variables.

import type * as tf from '@tensorflow/tfjs-core';
import type * as tfl from '@tensorflow/tfjs-layers';
import { UsageError } from '../errors.js';
import { showValue } from '../optionTypes.js';

/** A network in a loop of one's own: a tfjs-layers model, or the variables of any other, by name. */
export type TrainedNetwork = tfl.LayersModel | Readonly<Record<string, tf.Variable>>;

/** Whether something is a model with layers, of whatever copy of tfjs-layers; as a layer, it is a nested one. */
export function isModel(network: TrainedNetwork | tfl.layers.Layer): network is tfl.LayersModel {
  return Array.isArray((network as Partial<tfl.LayersModel>).layers);
}

/** Refuses what is no network. @param taker whose argument it is. @throws {@link UsageError} */
export function requireNetwork(network: unknown, taker: string): asserts network is TrainedNetwork {
  const isRecord = typeof network === 'object' && network !== null && !Array.isArray(network);
  if (isRecord && isModel(network as TrainedNetwork)) return;
  const wrong = isRecord ? Object.entries(network).find(([, value]) => !isVariable(value)) : undefined;
  if (isRecord && wrong === undefined) return;
  throw new UsageError({
    what: `${taker} takes a model of tfjs-layers, or tf.Variables by name`,
    where: wrong === undefined ? showValue(network) : `${wrong[0]}: ${showValue(wrong[1])}`,
    remedy: 'give e.g. the model, or { kernel, bias }, each made by tf.variable',
  });
}

/** Of whatever copy of tfjs-core. */
function isVariable(value: unknown): boolean {
  const { assign, shape } = (value ?? {}) as Partial<tf.Variable>;
  return typeof assign === 'function' && Array.isArray(shape);
}

/** Whether two are the same network: the same model, or records of the same variables. */
export function isSameNetwork(a: TrainedNetwork | null, b: TrainedNetwork): boolean {
  if (a === b || a === null || isModel(a) || isModel(b)) return a === b;
  const [own, other] = [Object.values(a), Object.values(b)];
  return own.length === other.length && own.every((variable, i) => variable === other[i]);
}

/** All weights of a network, in the order of `model.getWeights()` or of the record. */
export function weightsOf(network: TrainedNetwork): readonly tf.Tensor[] {
  return isModel(network) ? network.getWeights() : Object.values(network);
}

/** Replaces all weights of a network; the tensors given stay the caller's. */
export function writeWeights(network: TrainedNetwork, weights: readonly tf.Tensor[]): void {
  if (isModel(network)) network.setWeights([...weights]);
  else for (const [i, variable] of Object.values(network).entries()) variable.assign(weights[i] as tf.Tensor<tf.Rank>);
}
