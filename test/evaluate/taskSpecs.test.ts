import { describe, expect, it } from 'vitest';
import type { EvaluateOptions } from '../../src/evaluate/options.js';
import { taskSpecs } from '../../src/evaluate/taskSpecs.js';
import { findSuite, registerSuite } from '../../src/tasks/suites/index.js';

const sgd = { name: 'sgd', learningRate: 0.1 };
registerSuite({
  name: 'mixed',
  description: 'Tasks for this test.',
  entries: [
    { task: 'mnist/mlp', epochs: 3, batchSize: 16, trainExamples: 100, epochExamples: 40, optimizer: sgd },
    { task: 'fashion-mnist/mlp', epochs: 4, batchSize: 32, optimizer: sgd },
    { task: 'text/chargru', epochs: 5, batchSize: 64, optimizer: { name: 'adam', learningRate: 0.002 } },
  ],
});
registerSuite({
  name: 'absent',
  description: 'Tasks without their data.',
  entries: [{ task: 'fashion-mnist/mlp', epochs: 4, batchSize: 32, optimizer: sgd }],
});

const choose = (options: Partial<EvaluateOptions>, isLocal?: boolean) =>
  taskSpecs({ out: '', seeds: [1], methods: [], images: '/nowhere', ...options }, isLocal);

describe('taskSpecs', () => {
  it('gives all tasks the same settings without a suite', () => {
    const { tasks, missing } = choose({ tasks: ['mnist/cnn', 'mnist/simplenet', 'text/chargru'], batchSize: 50 });
    expect(tasks.map(({ task }) => task.name)).toEqual(['mnist/simplenet', 'text/chargru']);
    for (const { settings } of tasks)
      expect(settings).toMatchObject({
        epochs: 20,
        batchSize: 50,
        optimizer: { name: 'adam', learningRate: 0.001, beta1: 0.9 },
        trainExamples: null,
        validationExamples: null,
        epochExamples: null,
      });
    expect(missing).toEqual([]);
  });

  it('gives each task of a suite its own, and leaves out those whose dataset is not there', () => {
    const { tasks, missing } = choose({ suite: 'mixed' });
    expect(tasks.map(({ task, settings }) => [task.name, settings.epochs, settings.batchSize])).toEqual([
      ['mnist/mlp', 3, 16],
      ['text/chargru', 5, 64],
    ]);
    expect(tasks[0].settings).toMatchObject({ trainExamples: 100, epochExamples: 40, optimizer: sgd });
    expect(tasks[1].settings).toMatchObject({ trainExamples: null, optimizer: { learningRate: 0.002 } });
    expect(missing).toEqual([
      { task: 'fashion-mnist/mlp', reason: 'no dataset fashion-mnist; get it with `wnn data get fashion-mnist`' },
    ]);
    expect(choose({ suite: 'mixed' }, false).tasks).toHaveLength(3);
    expect(() => choose({ suite: 'absent' })).toThrow(
      /no task of the suite absent.*\/nowhere; no dataset fashion-mnist/,
    );
  });

  it('lets options replace the suite’s settings, and tasks pick some of it', () => {
    const { tasks } = choose({ suite: 'mixed', tasks: ['mnist/mlp'], epochs: 1, trainExamples: 7 });
    expect(tasks).toMatchObject([
      { task: { name: 'mnist/mlp' }, settings: { epochs: 1, batchSize: 16, trainExamples: 7, optimizer: sgd } },
    ]);
    expect(() => choose({ suite: 'mixed', tasks: ['mnist/lenet'] })).toThrow(
      /unknown task of the suite mixed: mnist\/lenet/,
    );
    expect(() => choose({ suite: 'mixt' })).toThrow(/unknown suite: mixt; did you mean mixed/);
  });

  it('says what is wrong', () => {
    expect(() => choose({ tasks: [] })).toThrow(/no tasks/);
    expect(() => choose({ tasks: ['mnist/mlp'], epochs: 0 })).toThrow(/epochs must be a whole number from 1: 0/);
    expect(() => choose({ tasks: ['mnist/mlp'], trainExamples: 1.5 })).toThrow(/trainExamples must be/);
  });

  it('has the paper’s experiment', () => {
    expect(findSuite('paper').entries).toMatchObject([{ task: 'cifar10/simplenet', epochs: 50, batchSize: 1024 }]);
  });
});
