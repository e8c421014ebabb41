import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { measureForecasts } from '../../src/evaluate/forecastErrors.js';
import { findMethod, loadMethodModules, parseMethod } from '../../src/evaluate/methods/registry.js';
import { sampleName, sampleStore } from '../../src/evaluate/trajectorySample.js';
import { readContent } from '../../src/evaluation/files.js';
import { EVALUATION_SCHEMA_VERSION } from '../../src/evaluation/schema.js';
import { DEFAULT_KINDS, PAPER_SPEC } from '../../src/nowcaster/spec.js';
import { seriesOf } from '../../src/report/series.js';
import { drawWindows } from '../../src/report/windows.js';
import { RunWriter } from '../../src/trajectory/runWriter.js';
import { randomNetworks, writeNowcasterDirectory } from '../callback/nowcasterDirectory.js';
import { referenceForward } from '../families/wnn/reference.js';

const out = mkdtempSync(join(tmpdir(), 'wnn-forecasts-'));
afterAll(() => rmSync(out, { recursive: true }));

/** A run whose conv weights move in straight lines, whose biases follow a parabola, and one of each stands still. */
async function record(id: string, epochs: number): Promise<void> {
  const tensors = (['conv', 'bias'] as const).map((kind) => ({ name: sampleName(kind), kind, shape: [4] }));
  const info = { id, source: 'zoo', task: 'mnist', architecture: 'none', optimizer: null } as const;
  const writer = RunWriter.create(
    sampleStore(out),
    { ...info, hyperparameters: {}, seed: 1, engine: null, epochsPlanned: epochs },
    tensors,
  );
  for (let epoch = 0; epoch < epochs; epoch++)
    await writer.append({
      epoch,
      values: [
        Float32Array.of(0.5, epoch, -0.25 * epoch, 1 + 2 * epoch),
        Float32Array.of(0, epoch * epoch, -(epoch * epoch) / 2, 3 * epoch * epoch),
      ],
      metrics: {},
    });
  await writer.finish('complete');
}

describe('measureForecasts', () => {
  it('gives the known errors of straight lines and parabolas, leaving out what stands still', async () => {
    await record('one', 14);
    await record('two', 12);
    const methods = [parseMethod('plain'), parseMethod('linear'), parseMethod('quadratic')];
    const { errors, examples } = await measureForecasts(out, ['one', 'two'], methods);
    const of = (kind: string, method: string) =>
      errors.find((entry) => entry.kind === kind && entry.method === method)!;
    expect(errors.map(({ kind, method }) => `${kind} ${method}`)).toEqual([
      'conv no change',
      'conv linear',
      'conv quadratic',
      'bias no change',
      'bias linear',
      'bias quadratic',
    ]);
    expect(of('conv', 'linear').mean).toBeCloseTo(0, 5);
    // Five epochs on, a line has gone 5/4 of the range of its window: 0.625 in units of twice the range.
    expect(of('conv', 'no change').mean).toBeCloseTo(0.625, 3);
    expect(of('conv', 'no change').epochs).toEqual([4, 5, 6, 7, 8]);
    expect(of('conv', 'no change').windows).toBe((5 + 3) * 3);
    // Of the window that ends at epoch e, the range of t^2 is e^2 - (e - 4)^2 and it goes on to (e + 5)^2.
    for (const [i, e] of of('bias', 'no change').epochs.entries())
      expect(of('bias', 'no change').byEpoch[i]).toBeCloseTo(
        ((e + 5) ** 2 - e ** 2) / (2 * (e ** 2 - (e - 4) ** 2)),
        4,
      );
    expect(of('bias', 'quadratic').mean).toBeLessThan(1e-4);
    expect(of('bias', 'linear').mean).toBeGreaterThan(0.1);

    const conv = examples.find(({ kind }) => kind === 'conv')!;
    expect(conv.windows[0].length).toBe(5);
    for (const [i, residuals] of conv.residuals.entries()) {
      expect(residuals.length).toBe(5);
      expect(conv.forecasts[0].residuals[i]).toBeCloseTo(residuals[4], 5);
      expect(Math.abs(conv.windows[i][4])).toBeCloseTo(0.5, 4);
    }
  });

  it('asks nowcasters as the callback does', async () => {
    const directory = join(out, 'random');
    writeNowcasterDirectory(directory);
    const { errors, examples } = await measureForecasts(out, ['one'], [parseMethod(`nowcaster:${directory}`)]);
    const { parameters } = randomNetworks();
    const { windows, residuals, forecasts } = examples[0];
    let sum = 0;
    for (const [i, window] of windows.entries()) {
      const [output] = referenceForward(PAPER_SPEC, parameters.conv, window, 1);
      expect(forecasts[0].residuals[i]).toBeCloseTo(output, 4);
      sum += Math.abs(output - residuals[i][4]);
    }
    expect(windows.length).toBe(15);
    expect(errors.find(({ method }) => method === 'random')!.mean).toBeCloseTo(sum / 15, 4);
  });

  it('measures methods of other windows and horizons in the same units, each beside no change at its horizon', async () => {
    const directory = join(out, 'far');
    writeNowcasterDirectory(directory, randomNetworks({ ...PAPER_SPEC, inputLength: 3, horizons: [7] }));
    const methods = [parseMethod('linear'), parseMethod(`nowcaster:${directory}`)];
    const { errors, examples } = await measureForecasts(out, ['one'], methods);
    const conv = errors.filter(({ kind }) => kind === 'conv');
    expect(conv.map(({ method, horizon }) => `${method} ${horizon}`)).toEqual([
      'no change 5',
      'no change 7',
      'linear 5',
      'far 7',
    ]);
    // Seven epochs on, a line has gone 7/4 of the range of five epochs.
    expect(conv[0].mean).toBeCloseTo(0.625, 3);
    expect(conv[1].mean).toBeCloseTo(0.875, 3);
    expect(conv[1].epochs).toEqual([4, 5, 6]);
    expect(conv[3].epochs).toEqual([4, 5, 6]);
    const { forecasts, residuals } = examples[0];
    const own = forecasts[1].residuals.map((residual, i) => Math.abs(residual! - residuals[i][6]));
    expect(conv[3].mean).toBeCloseTo(own.reduce((a, b) => a + b) / own.length, 5);
  });

  it('has nothing to say of runs that are too short', async () => {
    await record('short', 7);
    const { errors, examples } = await measureForecasts(out, ['short'], [parseMethod('linear')]);
    expect(errors.every(({ mean, windows }) => mean === null && windows === 0)).toBe(true);
    expect(examples).toEqual([]);
  });

  it('writes forecasts that are not finite as null, which its readers take', async () => {
    const type = 'runaway';
    const forecaster = {
      windowLength: 5,
      horizon: 5,
      kinds: DEFAULT_KINDS,
      forecast: async (_history: unknown, forecasts: Float32Array) => void forecasts.fill(Infinity),
      dispose: async () => {},
    };
    const module = join(out, 'runaway.mjs');
    const hooks = `parse: () => ({ type: '${type}', name: '${type}' }), describe: () => ({})`;
    writeFileSync(module, `export default { type: '${type}', ${hooks} };`);
    await loadMethodModules([module]);
    Object.assign(findMethod(type), { forecaster: async () => forecaster });
    const { errors, examples } = await measureForecasts(out, ['one'], [parseMethod(type)]);
    expect(errors.find(({ method }) => method === type)!.mean).toBeNull();
    expect(examples[0].forecasts[0].residuals[0]).toBeNull();
    const file = join(out, 'forecasts.json');
    writeFileSync(
      file,
      JSON.stringify({ schemaVersion: EVALUATION_SCHEMA_VERSION, tasks: [{ task: 'mnist/none', examples }] }),
    );
    expect(readContent('forecasts', file).tasks[0].examples).toEqual(examples);
    expect(drawWindows(examples[0], seriesOf([{ name: 'plain' }, { name: type }]))).not.toBeNull();
  });
});
