import { expect, test } from 'vitest';
import { createWasmCompute } from '../../../src/compute/wasmCompute.js';
import type { NetworkCompute } from '../../../src/network/compute.js';
import { initParameters } from '../../../src/network/init.js';
import { type ForecastOptions, forecast } from '../../../src/nowcaster/forecast.js';
import { networkOf } from '../../../src/nowcaster/spec.js';
import { drawRaw, SPECS } from './samples.js';

/** The same compute, as one that leaves normalization to the calling thread. */
function withoutForecast({ spec, description, forward, lossAndGradients, dispose }: NetworkCompute): NetworkCompute {
  return { spec, description, forward, lossAndGradients, dispose };
}

const bytesOf = ({ buffer }: Float32Array) => Buffer.from(buffer);

for (const name of ['paper', 'ten inputs, three horizons', 'one stream of relu, no normalization'])
  test(`${name}: normalizing on the computing threads gives the bits of normalizing on the calling one`, async () => {
    const spec = SPECS[name];
    const parameters = initParameters(networkOf(spec), 2);
    const computes = await Promise.all([1, 3].map((threads) => createWasmCompute(spec, { threads })));
    for (const count of [1, 66_001]) {
      const raw = drawRaw(spec, count, 3);
      raw[0][0] = Number.NaN;
      const choices: ForecastOptions[] = [{}, { horizon: spec.horizons[0], bias: 'published' }];
      for (const options of choices) {
        const expected = new Float32Array(count);
        await forecast(withoutForecast(computes[0]), parameters, raw, expected, options);
        expect(expected[0]).toBeNaN();
        for (const compute of computes) {
          // As the callback does: into the oldest of the window's arrays.
          const history = raw.map((values) => values.slice());
          await forecast(compute, parameters, history, history[0], options);
          expect(bytesOf(history[0]).equals(bytesOf(expected))).toBe(true);
        }
      }
    }
    for (const compute of computes) await compute.dispose();
  });
