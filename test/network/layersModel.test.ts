import { initParameters } from '../../src/network/init.js';
import { buildLayersModel, getParameters, setParameters } from '../../src/network/layersModel.js';
import { networkOf, PAPER_SPEC } from '../../src/nowcaster/spec.js';
import { Random } from '../../src/random.js';
import { referenceForward } from '../families/wnn/reference.js';
import { drawSamples, SPECS } from '../families/wnn/samples.js';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { expect, test } from 'vitest';

for (const [name, spec] of Object.entries(SPECS)) {
  test(`${name}: the model predicts what the reference does, before and after saving`, async () => {
    const count = 20;
    const { windows } = drawSamples(spec, count, 3);
    const random = new Random(8);
    const parameters = initParameters(networkOf(spec), 2).map((x) => x + 0.05 * random.normal());
    const model = buildLayersModel(networkOf(spec), 'wnn');
    setParameters(model, networkOf(spec), parameters);
    expect(await getParameters(model, networkOf(spec))).toEqual(parameters);
    expect(model.countParams()).toBe(networkOf(spec).size);

    let saved: tf.io.ModelArtifacts | undefined;
    await model.save({
      save: async (artifacts) => {
        saved = artifacts;
        return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
      },
    });
    const loaded = await tfl.loadLayersModel({ load: async () => saved! });
    const expected = referenceForward(spec, parameters, windows, count);
    const values = tf.tensor2d(windows, [count, spec.inputLength]);
    const differences = tf.sub(tf.slice(values, [0, 1]), tf.slice(values, [0, 0], [-1, spec.inputLength - 1]));
    for (const each of [model, loaded]) {
      const outputs = each.predict(spec.config.streams === 'both' ? [values, differences] : values) as tf.Tensor;
      expect(outputs.shape).toEqual([count, spec.horizons.length]);
      outputs.dataSync().forEach((y, i) => {
        expect(Math.abs(y - expected[i])).toBeLessThan(2e-6);
      });
    }
  });
}

test('the penalties are L1 on the first and last layers of each stream', () => {
  const model = buildLayersModel(networkOf(PAPER_SPEC), 'wnn');
  const parameters = initParameters(networkOf(PAPER_SPEC), 2).map((x, i) => x + 0.001 * (i % 7));
  setParameters(model, networkOf(PAPER_SPEC), parameters);
  let expected = 0;
  for (const { name, kernel, bias, units } of networkOf(PAPER_SPEC).layers) {
    if (!/_(in|out)$/.test(name)) continue;
    for (const x of parameters.subarray(kernel, bias)) expected += 1e-6 * Math.abs(x);
    for (const x of parameters.subarray(bias, bias + units)) expected += 0.1 * Math.abs(x);
  }
  const penalty = model.calculateLosses().reduce((sum, loss) => sum + loss.dataSync()[0], 0);
  expect(penalty).toBeCloseTo(expected, 5);
});

test('parameters of another network are refused', () => {
  const model = buildLayersModel(networkOf(PAPER_SPEC), 'wnn');
  expect(() => setParameters(model, networkOf(PAPER_SPEC), new Float32Array(10))).toThrow(
    /10 parameters where the model has 9425/,
  );
});
