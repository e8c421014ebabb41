import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openPlan, planRuns } from '../../src/collect/plan.js';
import { readPlanFile } from '../../src/collect/planFile.js';
import type { PlanOptions } from '../../src/collect/planSchema.js';
import { CorruptFileError, MissingFileError, UsageError } from '../../src/errors.js';
import { takeShard } from '../../src/jobs/index.js';

const PLAN: PlanOptions = {
  tasks: ['mnist/lenet', 'mnist/mlp', 'mnist/cnn'],
  runs: 300,
  epochs: 12,
  seed: 4,
  learningRate: [1e-4, 1e-2],
  batchSizes: [32, 64],
  width: [0.5, 2],
  trainExamples: [100, 10_000],
};

test('a run is the same in a longer plan, in a shard, and at any place', () => {
  const runs = planRuns(PLAN);
  expect(planRuns({ ...PLAN, runs: 40 })).toEqual(runs.slice(0, 40));
  const shards = [1, 2, 3, 4].flatMap((index) => takeShard(runs, { index, count: 4 }));
  expect(shards.sort((a, b) => a.index - b.index)).toEqual(runs);
  expect(takeShard(runs, { index: 3, count: 4 })[1]).toEqual(runs[6]);
  expect(() => takeShard(runs, { index: 0, count: 4 })).toThrow(UsageError);
  expect(() => takeShard(runs, { index: 5, count: 4 })).toThrow(UsageError);
});

test('runs take turns at the tasks and draw what the plan allows', () => {
  const runs = planRuns(PLAN);
  expect(runs.slice(0, 4).map(({ task }) => task)).toEqual([
    'mnist/lenet',
    'mnist/mlp',
    'mnist/simplenet',
    'mnist/lenet',
  ]);
  expect(runs[3].id).toMatch(/^mnist-lenet-0003-[0-9a-f]{8}$/);
  expect(new Set(runs.map(({ id }) => id)).size).toBe(300);
  expect(new Set(runs.map(({ seed }) => seed)).size).toBe(300);
  const rates = runs.map(({ optimizer }) => Math.log10(optimizer.learningRate as number));
  expect(Math.min(...rates)).toBeGreaterThanOrEqual(-4);
  expect(Math.max(...rates)).toBeLessThanOrEqual(-2);
  // Uniform in the logarithm: mean -3, standard error of 300 draws 2 / sqrt(12 * 300) = 0.033.
  expect(Math.abs(rates.reduce((a, b) => a + b) / 300 + 3)).toBeLessThan(0.15);
  const share = runs.filter(({ batchSize }) => batchSize === 32).length / 300;
  expect(Math.abs(share - 0.5)).toBeLessThan(0.12);
  expect(runs.every(({ width }) => width >= 0.5 && width <= 2)).toBe(true);
  expect(runs.every(({ trainExamples }) => Number.isInteger(trainExamples) && Number(trainExamples) >= 100)).toBe(true);
});

test('every setting changes the id, and a further setting leaves the other draws alone', () => {
  const [base] = planRuns({ tasks: ['mnist/lenet'] });
  const variants: Partial<PlanOptions>[] = [
    { epochs: 31 },
    { epochExamples: 500 },
    { seed: 2 },
    { learningRate: 0.01 },
    { batchSizes: [17] },
    { optimizers: ['rmsprop'] },
    { width: 0.5 },
    { trainExamples: 1000 },
    { validationExamples: 1000 },
    { augmentation: { flip: true } },
    { cadence: { unit: 'step', every: 10 } },
  ];
  const ids = variants.map((variant) => planRuns({ tasks: ['mnist/lenet'], ...variant })[0].id);
  expect(new Set([base.id, ...ids]).size).toBe(variants.length + 1);
  const [wide] = planRuns({ tasks: ['mnist/lenet'], width: [0.5, 2] });
  expect([wide.seed, wide.batchSize, wide.optimizer]).toEqual([base.seed, base.batchSize, base.optimizer]);
});

test('an augmentation is the same run however it is written', () => {
  const plan = (augmentation: PlanOptions['augmentation']) => planRuns({ tasks: ['mnist/lenet'], augmentation })[0];
  const run = plan({ shift: 0.1, flip: true });
  expect(run.augmentation).toEqual({ shift: 0.1, flip: true });
  expect(plan({ zoom: 0, flip: true, shift: 0.1 })).toEqual(run);
  expect(plan({ flip: false })).toEqual(plan(undefined));
});

test('a cadence is the same run however it is written', () => {
  const plan = (cadence?: PlanOptions['cadence']) => planRuns({ tasks: ['mnist/lenet'], cadence })[0];
  expect(plan({ every: 1, unit: 'epoch' })).toEqual(plan());
  expect(plan({ every: 9, unit: 'step' }).id).toBe(plan({ unit: 'step', every: 9 }).id);
});

test('optimizers bring settings and learning rates of their own', () => {
  const optimizers: PlanOptions['optimizers'] = [
    'adam',
    { name: 'momentum', momentum: 0.8, learningRate: [0.05, 0.06] },
    'sgd',
  ];
  const runs = planRuns({ tasks: ['mnist/mlp'], runs: 60, optimizers });
  const of = (name: string) => runs.map(({ optimizer }) => optimizer).filter((optimizer) => optimizer.name === name);
  expect([of('adam'), of('momentum'), of('sgd')].every((list) => list.length > 8)).toBe(true);
  expect(of('momentum').every(({ momentum, learningRate }) => momentum === 0.8 && Number(learningRate) >= 0.05)).toBe(
    true,
  );
  expect(of('sgd').every(({ learningRate }) => Number(learningRate) >= 0.01)).toBe(true);
  expect(of('adam').every(({ learningRate }) => Number(learningRate) <= 0.003)).toBe(true);
});

test('a plan file has the same fields; mistakes in it are named', () => {
  const directory = mkdtempSync(join(tmpdir(), 'wnn-plan-'));
  const path = join(directory, 'plan.yaml');
  const write = (text: string) => writeFileSync(path, text);
  try {
    write(
      'tasks: [mnist/lenet]\nruns: 3\nlearningRate: [1e-4, 1e-2]\ncadence: {unit: step, every: 5}\noptimizers:\n  - name: sgd\n',
    );
    expect(planRuns(readPlanFile(path) as PlanOptions)).toEqual(
      planRuns({
        tasks: ['mnist/lenet'],
        runs: 3,
        learningRate: [1e-4, 1e-2],
        cadence: { unit: 'step', every: 5 },
        optimizers: ['sgd'],
      }),
    );
    write('tasks: [mnist/lenet]\nepoch: 3\n');
    expect(() => readPlanFile(path)).toThrow(/unknown field.*epoch; did you mean epochs/);
    write('tasks: [mnist/lenet\nruns: 3');
    expect(() => readPlanFile(path)).toThrow(CorruptFileError);
    write('- a\n- b\n');
    expect(() => readPlanFile(path)).toThrow(UsageError);
    expect(() => readPlanFile(join(directory, 'none'))).toThrow(MissingFileError);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('a run of a plan is made alone', () => {
  const plan = openPlan({ ...PLAN, runs: 100_000 });
  expect(plan.count).toBe(100_000);
  expect(plan.run(299)).toEqual(planRuns(PLAN)[299]);
  expect(plan.run(99_999).index).toBe(99_999);
});

test('hostile plan files are refused in one line', () => {
  const directory = mkdtempSync(join(tmpdir(), 'wnn-plan-'));
  const path = join(directory, 'plan.yaml');
  // Each level stands for ten of the level before: 10^9 elements in 300 bytes.
  const levels = Array.from({ length: 9 }, (_, i) => `  - &l${i + 1} [${Array(10).fill(`*l${i}`).join(', ')}]`);
  const bomb = `tasks:\n  - &l0 x\n${levels.join('\n')}\n`;
  const cases: [text: string, error: typeof CorruptFileError | typeof UsageError, message: RegExp][] = [
    ['tasks: [null]', UsageError, /^tasks\.0 is null, not string: .*plan\.yaml; correct the plan$/],
    ['tasks: mnist/lenet', UsageError, /^tasks is "mnist\/lenet", not Array/],
    ['runs:', UsageError, /^runs is null, not number/],
    ['runs: "3"', UsageError, /^runs is "3", not number/],
    ['optimizers: [{learningRate: 1}]', UsageError, /^optimizers\.0/],
    ['schedules: [[constant]]', UsageError, /^schedules\.0 is \["constant"\], not string/],
    ['cadence: 5', UsageError, /^cadence is 5, not Object/],
    ['__proto__: {runs: 3}', UsageError, /unknown field of plan .*__proto__/],
    [bomb, CorruptFileError, /Excessive alias count/],
    [`tasks: ${'['.repeat(20_000)}`, CorruptFileError, /^nested too deep/],
    [`${'- '.repeat(20_000)}a`, CorruptFileError, /^nested too deep/],
    [`tasks: [a] #${'x'.repeat(2 ** 18)}`, CorruptFileError, /at most 262144 are read/],
  ];
  try {
    for (const [text, error, message] of cases) {
      writeFileSync(path, text);
      const read = () => readPlanFile(path);
      expect(read, text.slice(0, 40)).toThrow(error);
      expect(read, text.slice(0, 40)).toThrow(message);
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test.each<[Partial<Record<keyof PlanOptions, unknown>>, RegExp]>([
  [{ tasks: [] }, /no tasks/],
  [{ tasks: ['mnist/lenot'] }, /did you mean mnist\/lenet/],
  [{ runs: 0 }, /runs must be a whole number from 1 to 100000: 0/],
  [{ runs: 5_000_000 }, /runs must be a whole number from 1 to 100000: 5000000/],
  [{ runs: 2 ** 53 - 1 }, /runs must be/],
  [{ epochs: 2.5 }, /epochs/],
  [{ learningRate: [0.1, 0.01] }, /learningRate must be a number or a range: \[0.1,0.01\]/],
  [{ learningRate: -1 }, /learningRate/],
  [{ learningRate: 'fast' }, /learningRate/],
  [{ tasks: [null] }, /tasks\.0 is null, not string: the plan/],
  [{ runs: 2 ** 31 }, /runs must be a whole number from 1 to 100000/],
  [{ width: [0.01, 1] }, /width/],
  [{ batchSizes: [0] }, /batchSizes/],
  [{ augmentation: { blur: 1 } }, /unknown augmentation: blur/],
  [{ augmentation: { flip: 1 } }, /flip of the augmentation: 1; give true or false/],
  [{ augmentation: { shift: 2 } }, /shift out of range/],
  [{ optimizers: ['adams'] }, /unknown optimizer: adams; did you mean adam\?/],
  [{ optimizers: [{ name: 'adam', beta3: 1 }] }, /unknown setting of adam: beta3/],
])('refuses %j', (wrong, message) => {
  const plan = { ...PLAN, ...wrong } as PlanOptions;
  expect(() => planRuns(plan)).toThrow(message);
  expect(() => planRuns(plan)).toThrow(UsageError);
});

test('a task may have options, and a width of its own', () => {
  const [own, drawn] = planRuns({ tasks: ['mnist/cnn?width=0.5', 'text/gpt?heads=2&depth=2'], width: 2 });
  expect([own.task, own.width]).toEqual(['mnist/simplenet?width=0.5', 0.5]);
  expect([drawn.task, drawn.width]).toEqual(['text/gpt?depth=2&heads=2', 2]);
  expect(drawn.id).toMatch(/^text-gpt-depth-2-heads-2-0001-[0-9a-f]{8}$/);
  expect(() => planRuns({ tasks: ['text/gpt?layers=2'] })).toThrow(/no option layers/);
});
