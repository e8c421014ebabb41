// What the page of threads.test.ts runs: a nowcast and gradients on whatever compute the callback chooses, and on one
// thread of Node for comparison.
import type { NetworkCompute } from '../../../src/network/compute.js';
import { initParameters } from '../../../src/network/init.js';
import { forecast } from '../../../src/nowcaster/forecast.js';
import { networkOf, PAPER_SPEC } from '../../../src/nowcaster/spec.js';
import { drawRaw, drawSamples } from '../../families/wnn/samples.js';

/** More than one job. */
const COUNT = 66_001;

/** Forecasts, gradients and loss, one after another as bytes in hexadecimal, hashed. */
export async function computeAll(compute: NetworkCompute): Promise<string> {
  const spec = PAPER_SPEC;
  const parameters = initParameters(networkOf(spec), 1);
  const out = new Float32Array(COUNT);
  await forecast(compute, parameters, drawRaw(spec, COUNT, 2), out);
  const { windows, targets } = drawSamples(spec, 3000, 3);
  const gradients = new Float32Array(networkOf(spec).size + 1);
  const loss = await compute.lossAndGradients(parameters, windows, targets, 3000, 'mae', gradients.subarray(0, -1));
  gradients[gradients.length - 1] = loss;
  const outputs = new Float32Array(3000);
  await compute.forward(parameters, windows, 3000, outputs);
  const bytes = [out, gradients, outputs].flatMap((values) => [...new Uint8Array(values.buffer)]);
  const digest = await crypto.subtle.digest('SHA-256', new Uint8Array(bytes));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
