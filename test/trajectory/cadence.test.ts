import { expect, test } from 'vitest';
import { UsageError } from '../../src/errors.js';
import {
  cadenceProblem,
  countSnapshots,
  describeCadence,
  isSnapshotDue,
  parseCadence,
  requireCadence,
  type SnapshotCadence,
  sameCadence,
} from '../../src/trajectory/cadence.js';

test.each<[string, SnapshotCadence, string]>([
  ['epoch', { unit: 'epoch', every: 1 }, 'every epoch'],
  ['1step', { unit: 'step', every: 1 }, 'every step'],
  ['100steps', { unit: 'step', every: 100 }, 'every 100 steps'],
  [' 2 epochs ', { unit: 'epoch', every: 2 }, 'every 2 epochs'],
])('%s on the command line', (text, cadence, description) => {
  expect(parseCadence(text, '--snapshot-every')).toEqual(cadence);
  expect(describeCadence(cadence)).toBe(description);
});

test.each(['', '100', '0steps', '-1 step', '1.5epochs', 'steps 100', '2 hours', `${2 ** 53}steps`])(
  '%j is refused with the option',
  (text) => {
    expect(() => parseCadence(text, '--snapshot-every')).toThrow(UsageError);
    expect(() => parseCadence(text, '--snapshot-every')).toThrow(/: --snapshot-every .*; write e\.g\./);
  },
);

test.each<[unknown, RegExp]>([
  [undefined, /unit of a cadence is epoch or step, not missing/],
  ['100steps', /not missing/],
  [{ unit: 'hour', every: 1 }, /epoch or step, not "hour"/],
  [{ unit: 'step' }, /whole number from 1, not missing/],
  [{ unit: 'step', every: 0 }, /from 1, not 0/],
  [{ unit: 'epoch', every: 1.5 }, /from 1, not 1\.5/],
  [{ unit: 'epoch', every: '2' }, /from 1, not "2"/],
])('%j of a file is refused', (value, problem) => {
  expect(cadenceProblem(value)).toMatch(problem);
  expect(() => requireCadence(value, 'plan.yaml')).toThrow(UsageError);
});

test('a value of a file loses what is not part of it', () => {
  const written = { every: 3, unit: 'step', why: 'so' };
  expect(cadenceProblem(written)).toBeNull();
  expect(JSON.stringify(requireCadence(written, 'plan.yaml'))).toBe('{"unit":"step","every":3}');
});

test('cadences are told apart by unit and number', () => {
  const cadence: SnapshotCadence = { unit: 'step', every: 3 };
  expect(sameCadence(cadence, { unit: 'step', every: 3 })).toBe(true);
  expect(sameCadence(cadence, { unit: 'epoch', every: 3 })).toBe(false);
  expect(sameCadence(cadence, { unit: 'step', every: 4 })).toBe(false);
});

test('as many snapshots are due as are counted', () => {
  for (const cadence of [
    { unit: 'epoch', every: 1 },
    { unit: 'epoch', every: 3 },
    { unit: 'step', every: 7 },
  ] as const) {
    let taken = 0;
    for (let epoch = 1, step = 0; epoch <= 10; epoch++) {
      for (let i = 0; i < 4; i++) if (isSnapshotDue(cadence, 'step', ++step)) taken++;
      if (isSnapshotDue(cadence, 'epoch', epoch)) taken++;
    }
    expect(taken).toBe(countSnapshots(cadence, { epochs: 10, steps: 40 }));
  }
});
