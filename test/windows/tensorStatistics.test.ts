import { expect, test } from 'vitest';
import { scaleOfTensor, tensorStatistics } from '../../src/windows/tensorStatistics.js';

const snapshots = (...rows: number[][]) => rows.map((row) => Float32Array.from(row));

test('a line at constant speed is straight and agrees with itself', () => {
  const line = snapshots([0, 1], [0.5, 0], [1, -1], [1.5, -2]);
  const { changeRms, valueRms, straightness, agreement } = tensorStatistics(line, 0, 2, 4);
  expect(changeRms).toBeCloseTo(Math.sqrt((0.25 + 1) / 2), 12);
  expect(valueRms).toBeCloseTo(Math.sqrt((2.25 + 4) / 2), 12);
  expect(straightness).toBeCloseTo(1, 12);
  expect(agreement).toBeCloseTo(1, 12);
});

test('an oscillation leads nowhere and disagrees with itself', () => {
  const { straightness, agreement } = tensorStatistics(snapshots([0], [1], [0], [1], [0]), 0, 1, 5);
  expect(straightness).toBe(0);
  expect(agreement).toBeCloseTo(-1, 12);
});

test('a right angle: successive changes neither agree nor disagree, half of the way is lost', () => {
  const { straightness, agreement } = tensorStatistics(snapshots([0, 0], [1, 0], [1, 1]), 0, 2, 3);
  expect(agreement).toBeCloseTo(0, 12);
  expect(straightness).toBeCloseTo(0.5, 12);
});

test('only the scalars asked for and the snapshots of the window count', () => {
  const raw = snapshots([9, 0, 9], [8, 2, 7], [3, 4, 1], [50, 60, 70]);
  expect(tensorStatistics(raw, 1, 1, 3)).toEqual(tensorStatistics(snapshots([0], [2], [4]), 0, 1, 3));
});

test('a tensor that rests has no direction, and a scale that can be divided by', () => {
  const rest = tensorStatistics(snapshots([1, 2], [1, 2]), 0, 2, 2);
  expect(rest).toMatchObject({ changeRms: 0, straightness: 0, agreement: 0 });
  expect(scaleOfTensor(rest)).toBeGreaterThan(0);
});
