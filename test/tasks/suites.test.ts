import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { UsageError } from '../../src/errors.js';
import { completeOptimizer } from '../../src/tasks/optimizer.js';
import { findSuite, registerSuite, suiteNames } from '../../src/tasks/suites/index.js';
import { findTask } from '../../src/tasks/task.js';

const weights = new URL('../../weights/', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, weights), 'utf8');

describe('suites', () => {
  it.each(suiteNames())('%s names its tasks as they are named, with optimizers that exist', (name) => {
    const { entries } = findSuite(name);
    expect(entries.length).toBeGreaterThan(0);
    expect(new Set(entries.map(({ task }) => task)).size).toBe(entries.length);
    for (const { task, optimizer, epochs, batchSize, epochExamples = batchSize } of entries) {
      expect(findTask(task).name).toBe(task);
      expect(completeOptimizer(optimizer)).toMatchObject(optimizer);
      expect(epochs).toBeGreaterThanOrEqual(15);
      expect(epochExamples).toBeGreaterThanOrEqual(batchSize);
    }
  });

  it('small has nothing that the shipped nowcaster was trained on', () => {
    const { dataset } = JSON.parse(read('zoo/nowcaster.json'));
    const seen = new Set<string>(
      dataset.runs.map(({ task, architecture }: Record<string, string>) => `${task}/${architecture}`),
    );
    for (const plan of ['plan.yaml', 'plan-long.yaml'])
      for (const name of parse(read(plan)).tasks) {
        const { data, architecture } = findTask(name);
        seen.add(`${data}/${architecture}`);
      }
    expect(seen.size).toBeGreaterThan(8);
    const small = findSuite('small').entries.map(({ task }) => findTask(task));
    expect(small).toHaveLength(5);
    for (const { data, architecture } of small) expect([...seen]).not.toContain(`${data}/${architecture}`);
    expect(new Set(small.map(({ architecture }) => architecture)).size).toBe(5);
  });

  it('paper is the experiment of the paper', () => {
    expect(findSuite('paper').entries).toEqual([
      {
        task: 'cifar10/simplenet',
        epochs: 50,
        batchSize: 1024,
        optimizer: { name: 'adam', learningRate: 0.001 },
      },
    ]);
  });

  it('can be added, and names the known ones when there is none', () => {
    expect(() => findSuite('smal')).toThrow(/did you mean small\?/);
    expect(() => findSuite('large')).toThrow(UsageError);
    expect(() => registerSuite(findSuite('small'))).toThrow('already');
    registerSuite({ name: 'mine', description: 'mine', entries: findSuite('paper').entries });
    expect(findSuite('mine').entries).toBe(findSuite('paper').entries);
  });
});
