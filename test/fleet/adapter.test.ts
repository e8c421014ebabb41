// The GPU that a queue's work uses is chosen where the work is done: by the worker, never by the plan.

import { expect, test } from 'vitest';
import { chooseFleet } from '../../src/cli/fleet.js';
import { collectJobs } from '../../src/collect/jobKind.js';
import { planRuns } from '../../src/collect/plan.js';
import { UsageError } from '../../src/errors.js';
import { evaluateJobs } from '../../src/evaluate/jobKind.js';
import type { JobKind, JobPlaces } from '../../src/jobs/index.js';
import { planJobs } from '../evaluate/planJobs.js';

const places: JobPlaces = {
  directory: '/fleet/out',
  staging: '/fleet/out/.staging',
  adapter: "the worker's",
  resolve: (name) => name,
};

/** A job as a worker gets it, after the queue has held it as text. */
function send<Spec>(kind: JobKind<Spec>, id: string, spec: Spec): Spec {
  const message = JSON.stringify(kind.pack(spec, (path) => path));
  return kind.unpack(JSON.parse(message), id, places);
}

test("jobs take the adapter of the worker and never the plan's", () => {
  const [run] = planRuns({ tasks: ['mnist/mlp'], epochs: 6 });
  const recorded = { store: '/here', run, engine: 'webgpu' as const, adapter: "the plan's", images: undefined };
  expect(send(collectJobs, run.id, recorded)).toMatchObject({ engine: 'webgpu', adapter: "the worker's" });

  const [job] = planJobs({
    tasks: ['mnist/mlp'],
    seeds: [1],
    methods: [],
    epochs: 6,
    batchSize: 8,
    optimizer: { name: 'adam', learningRate: 1e-3 },
    engine: 'webgpu',
  });
  const trained = {
    job,
    others: [],
    out: '/here',
    inputs: '/here',
    engine: job.engine,
    adapter: "the plan's",
    images: undefined,
  };
  expect(send(evaluateJobs, job.id, trained)).toMatchObject({ engine: 'webgpu', adapter: "the worker's" });
});

test('an adapter beside a queue is refused, with where to give it', () => {
  const choose = () => chooseFleet({ queue: 'redis://localhost/runs', adapter: 'H100' }, () => {});
  expect(choose).toThrow(UsageError);
  expect(choose).toThrow(/--adapter; give --adapter to each `wnn worker`/);
  expect(chooseFleet({ shard: '1/2', adapter: 'H100' }, () => {})).toEqual({ shard: { index: 1, count: 2 } });
});
