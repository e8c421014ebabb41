import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/errors.js';
import { findTask, taskNames, taskSlug } from '../../src/tasks/task.js';

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
    expect(taskNames().filter((name) => name.startsWith('text/'))).toEqual(['text/chargru', 'text/gpt']);
    expect(() => findTask('mnist/chargru')).toThrow(UsageError);
    expect(() => findTask('text/lenet')).toThrow(UsageError);
  });

  it('takes mnist/cnn for mnist/simplenet', () => {
    expect(findTask('mnist/cnn')).toEqual(findTask('mnist/simplenet'));
  });

  it('puts options behind the name, in one order and without defaults', () => {
    const task = findTask('mnist/cnn?width=0.5');
    expect(task).toMatchObject({
      name: 'mnist/simplenet?width=0.5',
      architecture: 'simplenet',
      options: { width: 0.5 },
    });
    expect(findTask(task.name)).toEqual(task);
    expect(findTask('mnist/cnn?width=1')).toEqual(findTask('mnist/cnn'));
    expect(taskSlug(task.name)).toBe('mnist-simplenet-width-0.5');
    for (const wrong of ['mnist/cnn?', 'mnist/cnn?depth=2', 'mnist/cnn?width=9', 'mnist/cnn?width=1?width=2'])
      expect(() => findTask(wrong)).toThrow(UsageError);
  });

  it('names the nearest and all known tasks when there is none', () => {
    for (const name of ['mnist/lenett', 'minst/lenet', 'lenet', '', 'mnist/lenet/x', 'mnist/']) {
      expect(() => findTask(name)).toThrow(UsageError);
      expect(() => findTask(name)).toThrow(/\{mnist, .*\bmlp\b/);
    }
    expect(() => findTask('mnist/lenett')).toThrow(/did you mean mnist\/lenet\?/);
    const told = (() => {
      try {
        findTask('mnist/nothing-like-it');
      } catch (error) {
        return (error as Error).message;
      }
      return '';
    })();
    const accepted = [...told.matchAll(/\{([^}]*)\}\/\{([^}]*)\}/g)].flatMap(([, data, architectures]) =>
      data
        .split(', ')
        .flatMap((one) => architectures.split(', ').map((other) => `${one}/${other.replace(/ \(.*/, '')}`)),
    );
    expect(accepted).toEqual(expect.arrayContaining([...taskNames(), 'mnist/cnn', 'cifar10/resnet', 'bible/gpt']));
    for (const name of accepted) expect(findTask(name).name).toMatch(/^[\w-]+\/[\w-]+$/);
    expect(() => findTask('cifar10/cmn')).toThrow(/did you mean cifar10\/cnn\?.*cnn \(simplenet\)/);
    expect(() => findTask('quite/different')).not.toThrow(/did you mean/);
  });
});
