// The encoded graph is decoded again and evaluated by the operators' definitions; real runtimes are checked by
// scripts/verify-interchange.py.

import { expect, test } from 'vitest';
import { encodeOnnx } from '../../src/export/formats/onnx.js';
import { initParameters } from '../../src/network/init.js';
import { networkOf, PAPER_SPEC } from '../../src/nowcaster/spec.js';
import { Random } from '../../src/random.js';
import { referenceForward } from '../families/wnn/reference.js';
import { drawSamples, SPECS } from '../families/wnn/samples.js';
import { decodeOnnx as decode, evaluateOnnx as evaluate } from './evaluateOnnx.js';

for (const [name, spec] of Object.entries(SPECS)) {
  test(`${name}: the graph computes what the reference does, for any number of rows`, () => {
    const random = new Random(2);
    const parameters = initParameters(networkOf(spec), 1).map((x) => x + 0.05 * random.normal());
    const model = decode(encodeOnnx('network', spec, networkOf(spec), parameters));
    for (const count of [1, 6]) {
      const { windows } = drawSamples(spec, count, 1);
      const { rows, columns, data } = evaluate(model, { rows: count, columns: spec.inputLength, data: [...windows] });
      expect([rows, columns]).toEqual([count, spec.horizons.length]);
      const expected = referenceForward(spec, parameters, windows, count);
      data.forEach((y, i) => {
        expect(y).toBeCloseTo(expected[i], 12);
      });
    }
  });
}

test('the batch is dynamic, versions are set, and equal input gives equal bytes', () => {
  const parameters = initParameters(networkOf(PAPER_SPEC), 1);
  const bytes = encodeOnnx('network', PAPER_SPEC, networkOf(PAPER_SPEC), parameters);
  expect(Buffer.from(encodeOnnx('network', PAPER_SPEC, networkOf(PAPER_SPEC), parameters)).equals(bytes)).toBe(true);
  const model = decode(bytes);
  expect(model).toMatchObject({ irVersion: '8', opsetImport: [{ version: '13' }] });
  expect(model.graph.input[0].type.tensorType.shape.dim).toEqual([{ dimParam: 'batch' }, { dimValue: '5' }]);
  expect(model.graph.output[0].type.tensorType.shape.dim).toEqual([{ dimParam: 'batch' }, { dimValue: '1' }]);
});
