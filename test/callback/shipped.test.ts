import { expect, it } from 'vitest';
import { loadNowcaster } from '../../src/callback/node.js';
import { loadShipped } from '../../src/callback/shipped.js';
import { planRuns } from '../../src/collect/plan.js';
import { readPlanFile } from '../../src/collect/planFile.js';
import type { PlanOptions } from '../../src/collect/planSchema.js';
import { findSuite } from '../../src/tasks/suites/index.js';
import { findTask } from '../../src/tasks/task.js';

it('holds the networks of weights/zoo', async () => {
  const { spec, cadence, recommended, parameters } = await loadNowcaster('weights/zoo');
  expect(await loadShipped()).toEqual({ spec, cadence, recommended, parameters });
  expect(Object.keys(parameters)).toEqual(['conv', 'fc', 'bias']);
});

it('comes from all runs of its plans, as they are drawn today; npm run verify:weights makes its bytes', async () => {
  const { manifest } = await loadNowcaster('weights/zoo');
  const plans = ['weights/plan.yaml', 'weights/plan-long.yaml'];
  const planned = plans.flatMap((path) => planRuns(readPlanFile(path) as PlanOptions)).map(({ id }) => id);
  expect(planned).toHaveLength(61);
  expect(manifest.dataset!.runs.map(({ id }) => id)).toEqual(planned.sort());
});

it.each(['small', 'paper'])('comes from runs of no task of the suite %s', async (name) => {
  const { manifest } = await loadNowcaster('weights/zoo');
  const judged = findSuite(name).entries.map(({ task }) => findTask(task));
  const recorded = manifest.dataset!.runs;
  expect(recorded.length).toBeGreaterThan(20);
  const shared = recorded.filter(({ task, architecture }) =>
    judged.some((one) => one.data === task && one.architecture === architecture),
  );
  expect(shared).toEqual([]);
});
