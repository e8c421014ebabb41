import { describe, expect, it } from 'vitest';
import type { EvaluationResults, TimeRatio } from '../../src/evaluation/schema.js';
import { drawRatios } from '../../src/report/ratios.js';
import { seriesOf } from '../../src/report/series.js';
import { syntheticPlan, syntheticRecord, syntheticRecords, syntheticResults } from '../evaluate/syntheticRuns.js';
import { rising } from './syntheticEvaluation.js';

const plan = syntheticPlan([1, 2], 20, ['mnist/lenet', 'mnist/mlp']);
const records = syntheticRecords(plan, (job) => syntheticRecord(job, rising(20, 0.04)));

/** Results whose ratios of linear and ours, on each task, are the given ones. */
function resultsWith(linear: TimeRatio, ours: TimeRatio): EvaluationResults {
  const results = syntheticResults(plan, records);
  for (const { methods } of results.tasks)
    for (const [m, ratio] of [linear, ours].entries())
      Object.assign(methods[m + 1].targets[0], { epochsRatio: ratio, reached: ratio.value === 'never' ? 0 : 2 });
  return results;
}

function draw(linear: TimeRatio, ours: TimeRatio) {
  const results = resultsWith(linear, ours);
  const chart = drawRatios(results, seriesOf(results.methods), 'epochs')!;
  const rowOf = (name: string) =>
    chart.table.rows.findIndex(({ cells }) => cells[0] === name && cells[1] === 'mnist/mlp');
  const at = (name: string) => ({
    place: chart.places.find(({ row }) => row === rowOf(name))!,
    cells: chart.table.rows[rowOf(name)].cells,
  });
  return { chart, linear: at('linear'), ours: at('ours') };
}

describe('drawRatios', () => {
  it('has a row for every task and all together, on one logarithmic scale', () => {
    const { chart, linear, ours } = draw({ value: 1.4, interval: [1.2, 1.45] }, { value: 0.7, interval: null });
    expect(chart.table.rows.map(({ cells }) => cells.slice(0, 2))).toEqual(
      ['all tasks', 'mnist/lenet', 'mnist/mlp'].flatMap((task) => ['linear', 'ours'].map((name) => [name, task])),
    );
    expect(linear.cells.slice(2, 5)).toEqual(['1.40', '1.20 to 1.45', '2 of 2 seeds']);
    expect(ours.cells.slice(2, 4)).toEqual(['0.70', '']);
    const one = chart.places.find(({ row }) => row === 0)!.x;
    expect((linear.place.x - one) / (one - ours.place.x)).toBeCloseTo(Math.log(1.4) / -Math.log(0.7), 5);
    expect(chart.caption).not.toContain('not reached');
  });

  it('sets what is not reached apart, right of all numbers, and says so', () => {
    const { chart, linear, ours } = draw({ value: 1.4, interval: [1.2, 'never'] }, { value: 'never', interval: null });
    expect(ours.place.x).toBeGreaterThan(linear.place.x + 30);
    expect(ours.cells[2]).toBe('not reached');
    expect(linear.cells[3]).toBe('1.20 to infinite');
    expect(chart.caption).toContain('A ring at the right edge: the target is not reached.');
    expect(chart.svg.textContent).toContain('not reached');
  });

  it('names what plain itself never reaches, and stays within a tenth to ten', () => {
    const { chart, linear, ours } = draw({ value: 0, interval: null }, { value: 250, interval: [200, 300] });
    expect(linear.cells[2]).toBe('plain never reaches it');
    expect(ours.cells[2]).toBe('250.00');
    expect(chart.caption).toMatch(/Beyond 0\.\d+ to 10\.00, values stand at the ends/);
    for (const { place } of [linear, ours]) expect(place.x).toBeLessThanOrEqual(380);
  });
});
