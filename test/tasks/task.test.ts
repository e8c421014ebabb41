import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/errors.js';
import { findTask, taskNames } from '../../src/tasks/task.js';

describe('findTask', () => {
  it('finds every task by its own name', () => {
    expect(taskNames()).toEqual(expect.arrayContaining(['mnist/lenet', 'mnist/mlp', 'mnist/simplenet']));
    for (const name of taskNames()) {
      const task = findTask(name);
      expect(task.name).toBe(name);
      expect(`${task.data}/${task.architecture}`).toBe(name);
    }
  });

  it('pairs architectures only with data that they take', () => {
    expect(taskNames()).toContain('text/chargru');
    expect(taskNames().filter((name) => name.startsWith('text/'))).toEqual(['text/chargru']);
    expect(() => findTask('mnist/chargru')).toThrow(UsageError);
    expect(() => findTask('text/lenet')).toThrow(UsageError);
  });

  it('takes mnist/cnn for mnist/simplenet', () => {
    expect(findTask('mnist/cnn')).toEqual(findTask('mnist/simplenet'));
  });

  it('names the nearest and all known tasks when there is none', () => {
    for (const name of ['mnist/lenett', 'minst/lenet', 'lenet', '', 'mnist/lenet/x', 'mnist/']) {
      expect(() => findTask(name)).toThrow(UsageError);
      expect(() => findTask(name)).toThrow(/mnist\/mlp/);
    }
    expect(() => findTask('mnist/lenett')).toThrow(/did you mean mnist\/lenet\?/);
    expect(() => findTask('quite/different')).not.toThrow(/did you mean/);
  });
});
