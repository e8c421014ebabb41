// The network as a tfjs LayersModel: what users load, look at and can train by tfjs itself. The toolkit's own training
// and forecasting work on flat parameters (compute.ts) and need no model.

import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { MismatchError } from '../errors.js';
import { ExpLayer } from './expLayer.js';
import { initParameters } from './init.js';
import { type LayerLayout, LEAK, layoutOf, type Stream, streamInputs, streamsOf } from './layout.js';
import type { WnnSpec } from './spec.js';
import { arraysOf } from './weightsFile.js';

/** L1 penalties of the first and last layers of a stream, as in the paper's code. */
export const KERNEL_PENALTY = 1e-6;
export const BIAS_PENALTY = 0.1;

function buildDense(layer: LayerLayout): tfl.layers.Layer {
  return tfl.layers.dense({
    name: layer.name,
    units: layer.units,
    activation: layer.role === 'head' ? 'tanh' : layer.role === 'code' ? 'relu' : 'linear',
    kernelInitializer: 'zeros',
    ...(layer.penalized && {
      kernelRegularizer: tfl.regularizers.l1({ l1: KERNEL_PENALTY }),
      biasRegularizer: tfl.regularizers.l1({ l1: BIAS_PENALTY }),
    }),
  });
}

/**
 * Builds the network of a spec, named layer by layer as {@link layoutOf} names them. Inputs: `values` [batch, L] and,
 * with both streams, `differences` [batch, L - 1], both normalized; output [batch, horizons]. Its start is
 * `initParameters(spec, 0)`; use {@link setParameters} for other numbers.
 *
 * @param name of the model. Default `wnn`.
 */
export function buildLayersModel(spec: WnnSpec, name = 'wnn'): tfl.LayersModel {
  const layers = new Map(layoutOf(spec).layers.map((layer) => [layer.name, buildDense(layer)]));
  const dense = (layer: string, input: tfl.SymbolicTensor) => layers.get(layer)!.apply(input) as tfl.SymbolicTensor;
  const merge = (layer: tfl.layers.Layer, inputs: tfl.SymbolicTensor[]) => layer.apply(inputs) as tfl.SymbolicTensor;

  const buildStream = (stream: Stream, input: tfl.SymbolicTensor): tfl.SymbolicTensor => {
    const features = dense(`${stream}_in`, input);
    let activated: tfl.SymbolicTensor;
    if (spec.activation === 'network') {
      const code = dense(`${stream}_code`, features);
      const exponents = merge(tfl.layers.multiply({ name: `${stream}_exponents` }), [
        dense(`${stream}_exp`, code),
        features,
      ]);
      const powers = new ExpLayer({ name: `${stream}_powers` }).apply(exponents) as tfl.SymbolicTensor;
      const scaled = merge(tfl.layers.multiply({ name: `${stream}_scaled` }), [dense(`${stream}_mul`, code), powers]);
      activated = merge(tfl.layers.add({ name: `${stream}_activated` }), [scaled, dense(`${stream}_add`, code)]);
    } else {
      activated = tfl.layers.reLU({ name: `${stream}_activated` }).apply(features) as tfl.SymbolicTensor;
    }
    const leaky = tfl.layers.leakyReLU({ name: `${stream}_leaky`, alpha: LEAK });
    return leaky.apply(dense(`${stream}_out`, activated)) as tfl.SymbolicTensor;
  };

  const streams = streamsOf(spec);
  const inputs = streams.map((stream) => tfl.input({ name: stream, shape: [streamInputs(spec, stream)] }));
  const outputs = streams.map((stream, i) => buildStream(stream, inputs[i]));
  const joined = outputs.length === 1 ? outputs[0] : merge(tfl.layers.concatenate({ name: 'streams' }), outputs);
  const model = tfl.model({ name, inputs, outputs: dense('head', joined) });
  setParameters(model, spec, initParameters(spec, 0));
  return model;
}

/** The arrays of one layer of a model, kernel then bias. */
function layerVariables(model: tfl.LayersModel, arrayName: string): tfl.LayerVariable {
  const [layerName, part] = arrayName.split('/');
  const layer = model.getLayer(layerName);
  return layer.weights[part === 'kernel' ? 0 : 1];
}

/**
 * Sets a model's weights from flat parameters.
 *
 * @param model what {@link buildLayersModel} built for the same spec.
 * @param parameters flat parameters as {@link layoutOf} lays them out.
 */
export function setParameters(model: tfl.LayersModel, spec: WnnSpec, parameters: Float32Array): void {
  const { size } = layoutOf(spec);
  if (parameters.length !== size)
    throw new MismatchError({
      what: `${parameters.length} parameters where the model has ${size}`,
      where: model.name,
      remedy: 'give parameters of the same spec',
    });
  tf.tidy(() => {
    for (const { name, shape, start, end } of arraysOf(spec))
      layerVariables(model, name).write(tf.tensor(parameters.slice(start, end), shape));
  });
}

/** A model's weights as flat parameters, the reverse of {@link setParameters}. */
export async function getParameters(model: tfl.LayersModel, spec: WnnSpec): Promise<Float32Array> {
  const parameters = new Float32Array(layoutOf(spec).size);
  for (const { name, start } of arraysOf(spec))
    parameters.set((await layerVariables(model, name).read().data()) as Float32Array, start);
  return parameters;
}
