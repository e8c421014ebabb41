// The network written once more, in float64 with plain loops and gradients derived by hand: the independent reference
// that the tests hold the engines against. Shares with the product only the layout of the flat parameters.

import { type Stream, streamsOf } from '../../../src/families/wnn/graph.js';
import type { Loss } from '../../../src/network/compute.js';
import type { DenseLayer } from '../../../src/network/network.js';
import type { NowcasterSpec } from '../../../src/network/spec.js';
import { networkOf } from '../../../src/nowcaster/spec.js';

type Numbers = Float32Array | Float64Array | readonly number[];

/** What one stream computed for one sample, kept for the way back. */
interface StreamTrace {
  input: Float64Array;
  features: Float64Array;
  codeSum: Float64Array;
  code: Float64Array;
  e: Float64Array;
  g: Float64Array;
  power: Float64Array;
  activated: Float64Array;
  outSum: Float64Array;
}

function dense(layer: DenseLayer, p: Numbers, input: Float64Array): Float64Array {
  const out = new Float64Array(layer.units);
  for (let u = 0; u < layer.units; u++) {
    let sum = p[layer.bias + u];
    for (let i = 0; i < layer.inputs; i++) sum += input[i] * p[layer.kernel + i * layer.units + u];
    out[u] = sum;
  }
  return out;
}

/** Adds the gradients of a dense layer to `grads` and returns the gradient of its input. */
function denseBack(
  layer: DenseLayer,
  p: Numbers,
  input: Float64Array,
  out: Float64Array,
  grads: Float64Array,
): Float64Array {
  const back = new Float64Array(layer.inputs);
  for (let u = 0; u < layer.units; u++) {
    grads[layer.bias + u] += out[u];
    for (let i = 0; i < layer.inputs; i++) {
      grads[layer.kernel + i * layer.units + u] += input[i] * out[u];
      back[i] += p[layer.kernel + i * layer.units + u] * out[u];
    }
  }
  return back;
}

const leaky = (x: number) => (x > 0 ? x : 0.3 * x);

function runNetwork(spec: NowcasterSpec, p: Numbers, window: Float64Array) {
  const byName = new Map(networkOf(spec).layers.map((layer) => [layer.name, layer]));
  const at = (stream: Stream, role: string) => byName.get(`${stream}_${role}`)!;
  const joined: number[] = [];
  const traces = streamsOf(spec).map((stream): StreamTrace => {
    const input = stream === 'values' ? window : window.slice(1).map((value, i) => value - window[i]);
    const features = dense(at(stream, 'in'), p, input);
    const empty = new Float64Array(0);
    let [codeSum, code, e, g, power]: Float64Array[] = [empty, empty, empty, empty, empty];
    let activated: Float64Array;
    if (spec.config.activation === 'network') {
      codeSum = dense(at(stream, 'code'), p, features);
      code = codeSum.map((x) => Math.max(x, 0));
      e = dense(at(stream, 'exp'), p, code);
      g = dense(at(stream, 'mul'), p, code);
      const t = dense(at(stream, 'add'), p, code);
      power = e.map((x, i) => Math.exp(x * features[i]));
      activated = g.map((x, i) => x * power[i] + t[i]);
    } else activated = features.map((x) => Math.max(x, 0));
    const outSum = dense(at(stream, 'out'), p, activated);
    joined.push(...outSum.map(leaky));
    return { input, features, codeSum, code, e, g, power, activated, outSum };
  });
  const joinedArray = Float64Array.from(joined);
  const output = dense(byName.get('head')!, p, joinedArray).map(Math.tanh);
  return { byName, at, traces, joined: joinedArray, output };
}

/**
 * The network's outputs in float64.
 *
 * @param windows [count, L] row-major, normalized.
 * @returns [count, horizons] row-major.
 */
export function referenceForward(
  spec: NowcasterSpec,
  parameters: Numbers,
  windows: Numbers,
  count: number,
): Float64Array {
  const length = spec.inputLength;
  const outputs = new Float64Array(count * spec.horizons.length);
  for (let n = 0; n < count; n++) {
    const window = Float64Array.from({ length }, (_, i) => windows[n * length + i]);
    outputs.set(runNetwork(spec, parameters, window).output, n * spec.horizons.length);
  }
  return outputs;
}

function lossOf(loss: Loss, error: number): [value: number, slope: number] {
  switch (loss) {
    case 'mae':
      return [Math.abs(error), Math.sign(error)];
    case 'mse':
      return [error * error, 2 * error];
    case 'huber':
      return Math.abs(error) <= 1 ? [(error * error) / 2, error] : [Math.abs(error) - 0.5, Math.sign(error)];
    default:
      return loss satisfies never;
  }
}

/**
 * Mean loss over samples and horizons, and its gradient, in float64.
 *
 * @param targets [count, horizons] row-major.
 */
export function referenceLossAndGradients(
  spec: NowcasterSpec,
  parameters: Numbers,
  windows: Numbers,
  targets: Numbers,
  count: number,
  loss: Loss,
): { loss: number; gradients: Float64Array } {
  const p = parameters;
  const length = spec.inputLength;
  const outputs = spec.horizons.length;
  const gradients = new Float64Array(networkOf(spec).size);
  let total = 0;
  for (let n = 0; n < count; n++) {
    const window = Float64Array.from({ length }, (_, i) => windows[n * length + i]);
    const { byName, at, traces, joined, output } = runNetwork(spec, p, window);
    const headBack = output.map((y, h) => {
      const [value, slope] = lossOf(loss, y - targets[n * outputs + h]);
      total += value;
      return (slope * (1 - y * y)) / (count * outputs);
    });
    const joinedBack = denseBack(byName.get('head')!, p, joined, headBack, gradients);
    streamsOf(spec).forEach((stream, s) => {
      const trace = traces[s];
      const outBack = trace.outSum.map((x, i) => joinedBack[s * 32 + i] * (x > 0 ? 1 : 0.3));
      const activatedBack = denseBack(at(stream, 'out'), p, trace.activated, outBack, gradients);
      let featuresBack: Float64Array;
      if (spec.config.activation === 'network') {
        const { features, codeSum, code, e, g, power } = trace;
        const exponentBack = activatedBack.map((x, i) => x * g[i] * power[i]);
        const parts = [
          denseBack(
            at(stream, 'mul'),
            p,
            code,
            activatedBack.map((x, i) => x * power[i]),
            gradients,
          ),
          denseBack(at(stream, 'add'), p, code, activatedBack, gradients),
          denseBack(
            at(stream, 'exp'),
            p,
            code,
            exponentBack.map((x, i) => x * features[i]),
            gradients,
          ),
        ];
        const codeBack = codeSum.map((x, i) => (x > 0 ? parts[0][i] + parts[1][i] + parts[2][i] : 0));
        const throughCode = denseBack(at(stream, 'code'), p, features, codeBack, gradients);
        featuresBack = exponentBack.map((x, i) => x * e[i] + throughCode[i]);
      } else featuresBack = activatedBack.map((x, i) => (trace.features[i] > 0 ? x : 0));
      denseBack(at(stream, 'in'), p, trace.input, featuresBack, gradients);
    });
  }
  return { loss: total / (count * outputs), gradients };
}
