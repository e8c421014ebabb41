// What every comparison must show, on real trainings: a method that does nothing is as fast as plain training, and plain
// training at a tenth of its learning rate is slower.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { evaluate } from '../../dist/evaluate/index.js';
import { parseMethod } from '../../src/evaluate/methods/registry.js';
import { scoreTable, secondaryTable, targetTable } from '../../src/evaluation/table.js';

const out = mkdtempSync(join(tmpdir(), 'wnn-sanity-'));
afterAll(() => rmSync(out, { recursive: true }));

it('scores a method that does nothing 1.00 in every column, and a tenth of the learning rate below plain', async () => {
  const { tasks, overall } = await evaluate({
    out,
    tasks: ['mnist/mlp'],
    seeds: [1, 2],
    methods: ['plain?name=nothing', 'plain?name=slow&learningRate=0.0002'].map(parseMethod),
    epochs: 6,
    batchSize: 50,
    optimizer: { name: 'adam', learningRate: 0.002 },
    trainExamples: 400,
    validationExamples: 300,
    engine: 'wasm',
  });
  const [task] = tasks;
  const [plain, nothing, slow] = task.methods;
  for (const [t, { sort }] of task.targets.entries()) {
    const ratio = nothing.targets[t].epochsRatio;
    expect(ratio, sort).toEqual({ value: 1, interval: [1, 1] });
    expect(nothing.targets[t].epochs, sort).toEqual(plain.targets[t].epochs);
    const { value } = slow.targets[t].epochsRatio;
    expect(value === 'never' || (value !== null && value > 1), `${sort}: ${value}`).toBe(true);
  }
  expect(scoreTable(task).rows[1].slice(3, 5)).toEqual(['1.00', '1.00 to 1.00']);
  expect(targetTable(task).rows[1].slice(1)).toEqual(['1.00', '1.00', '1.00']);
  expect(secondaryTable(task).rows[1][3]).toBe('×1.00 ± 0.00');
  expect(nothing.newBests.speedup.mean ?? 1).toBe(1);
  expect(nothing.gain.values).toEqual([0, 0]);
  expect(slow.gain.mean).toBeLessThan(0);
  // Seconds are measured: only their order of magnitude is certain.
  expect(nothing.targets[0].secondsRatio.value).toBeGreaterThan(0.1);
  expect(nothing.targets[0].secondsRatio.value).toBeLessThan(10);
  const integrals = overall[0].profile.epochs.map(({ integral }) => integral);
  expect(integrals.slice(0, 2)).toEqual([1, 1]);
  expect(integrals[2]).toBeLessThan(1);
});
