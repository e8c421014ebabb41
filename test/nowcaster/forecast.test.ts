import { existsSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { createGenericCompute } from '../../src/compute/genericCompute.js';
import { openEngine } from '../../src/engine/engine.js';
import { readH5 } from '../../src/export/h5Read.js';
import { initParameters } from '../../src/network/init.js';
import { forecast } from '../../src/nowcaster/forecast.js';
import { DEFAULT_KINDS, KIND_FILE_NAMES, networkOf, PAPER_SPEC } from '../../src/nowcaster/spec.js';
import { normalizeWindows } from '../../src/windows/normalize.js';
import { referenceForward } from '../families/wnn/reference.js';
import { drawRaw, SPECS } from '../families/wnn/samples.js';

beforeAll(() => openEngine('wasm'));

/** The formulas of the paper, a scalar at a time. */
function referenceForecast(raw: number[], output: number, normalization: string, residual: boolean, base?: number) {
  const range = Math.max(...raw) - Math.min(...raw) + 1e-8 + 1e-5;
  const [scale, origin] = normalization === 'range' ? [2 * range, raw[0]] : [1, 0];
  const last = raw[raw.length - 1];
  return ((base ?? (residual ? (last - origin) / scale : 0)) + output) * scale + origin;
}

describe('on weights of our own', () => {
  for (const [name, spec] of Object.entries(SPECS)) {
    test(`${name}: every scalar's forecast is that of the formulas, block by block`, async () => {
      const count = 40_000;
      const raw = drawRaw(spec, count, 4);
      const parameters = initParameters(networkOf(spec), 5);
      const compute = createGenericCompute(spec);
      const out = new Float32Array(count);
      const horizon = spec.horizons[0];
      await forecast(compute, parameters, raw, out, { horizon });
      // Around the seam between two blocks, and at both ends.
      for (const j of [0, 1, 2, 32_766, 32_767, 32_768, 32_769, count - 1]) {
        const window = raw.map((values) => values[j]);
        const normalized = new Float32Array(spec.inputLength);
        normalizeWindows(spec, raw, j, 1, normalized, new Float64Array(1), new Float64Array(1));
        const [output] = referenceForward(spec, parameters, normalized, 1);
        const expected = referenceForecast(window, output, spec.normalization, spec.residual);
        const unit = spec.normalization === 'range' ? Math.max(...window) - Math.min(...window) + 1e-5 : 1;
        expect(Math.abs(out[j] - expected)).toBeLessThan(2e-6 * unit + 6e-8 * Math.abs(expected) + 1e-9);
      }
    });
  }

  test('the published fault adds the residual to the raw weight, and only when it is asked for', async () => {
    const raw = drawRaw(PAPER_SPEC, 10, 6);
    const parameters = initParameters(networkOf(PAPER_SPEC), 5);
    const compute = createGenericCompute(PAPER_SPEC);
    const out = new Float32Array(10);
    await forecast(compute, parameters, raw, out, { bias: 'published' });
    for (let j = 0; j < 10; j++) {
      const window = raw.map((values) => values[j]);
      const normalized = new Float32Array(5);
      normalizeWindows(PAPER_SPEC, raw, j, 1, normalized, new Float64Array(1), new Float64Array(1));
      const [output] = referenceForward(PAPER_SPEC, parameters, normalized, 1);
      expect(out[j]).toBeCloseTo(referenceForecast(window, output, 'range', true, window[4]), 5);
    }
  });

  test('a horizon that the network lacks and a window of another length are refused', async () => {
    const compute = createGenericCompute(PAPER_SPEC);
    const parameters = initParameters(networkOf(PAPER_SPEC), 5);
    const raw = drawRaw(PAPER_SPEC, 3, 1);
    const out = new Float32Array(3);
    await expect(forecast(compute, parameters, raw, out, { horizon: 7 })).rejects.toThrow(/use one of its horizons: 5/);
    await expect(forecast(compute, parameters, raw.slice(1), out)).rejects.toThrow(
      /4 epochs where the nowcaster needs 5/,
    );
  });
});

const reference = new URL('../../../shared/reference/', import.meta.url);

describe.skipIf(!existsSync(reference))(
  'under the published weights (skipped where ../shared/reference is absent)',
  () => {
    const golden = (): Record<
      string,
      { window: number[][]; normalised: number[][]; residual: number[]; forecast: number[] }
    > => JSON.parse(readFileSync(new URL('golden.json', reference), 'utf8'));

    for (const kind of DEFAULT_KINDS) {
      test(`${kind}: normalized windows, residuals and forecasts are the golden ones`, async () => {
        const name = KIND_FILE_NAMES[kind];
        const { window, normalised: normalized, residual, forecast: expected } = golden()[name];
        const { spec, parameters } = await readH5(new URL(`NWNN_${name}_13.h5`, reference).pathname);
        expect(spec).toEqual(PAPER_SPEC);
        const count = window.length;
        const raw = Array.from({ length: 5 }, (_, i) => Float32Array.from(window, (values) => values[i]));
        const windows = new Float32Array(count * 5);
        normalizeWindows(spec, raw, 0, count, windows, new Float64Array(count), new Float64Array(count));
        windows.forEach((x, i) => {
          expect(Math.abs(x - normalized.flat()[i])).toBeLessThan(1e-5);
        });
        const compute = createGenericCompute(spec);
        const outputs = new Float32Array(count);
        await compute.forward(parameters, Float32Array.from(normalized.flat()), count, outputs);
        outputs.forEach((y, j) => {
          expect(Math.abs(y - residual[j])).toBeLessThan(1e-5);
        });
        const out = new Float32Array(count);
        await forecast(compute, parameters, raw, out);
        out.forEach((value, j) => {
          const want = expected[j];
          expect(Math.abs(value - want)).toBeLessThan(1e-5 * Math.max(1, Math.abs(want)));
        });
      });
    }
  },
);
