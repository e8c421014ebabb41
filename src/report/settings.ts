// The settings of an evaluation, as they stand at the top of its page, and those of one task.

import type { EvaluationResults, TaskSettings } from '../evaluation/schema.js';
import { quantity } from '../quantity.js';
import type { Content } from './html.js';
import type { Evaluation } from './readEvaluation.js';

/** A setting's name and value. */
export type Fact = readonly [name: string, value: Content];

/** An optimizer in words: `adam, learning rate 0.001, ...`. */
function describeOptimizer({ name, learningRate, ...settings }: TaskSettings['optimizer'], tuned: boolean): string {
  const others = Object.entries(settings).map(([setting, value]) => `${setting} ${value}`);
  return [name, `learning rate ${tuned ? 'tuned around' : 'untuned,'} ${learningRate}`, ...others].join(', ');
}

/** Settings of a task's trainings. */
export function taskFacts({ settings }: EvaluationResults['tasks'][number], tuned: boolean): Fact[] {
  return [
    ['epochs', settings.epochs],
    ['batch size', settings.batchSize],
    ['training examples', settings.trainExamples ?? 'all'],
    ['examples in an epoch', settings.epochExamples ?? 'all of them'],
    ['validation examples', settings.validationExamples ?? 'all'],
    ['optimizer', describeOptimizer(settings.optimizer, tuned)],
  ];
}

function describeTuning({ tuning }: EvaluationResults['settings']): string {
  if (tuning === null) return 'none: all methods run at the learning rate that was given';
  const { trials, seeds, stepScale } = tuning;
  const what = stepScale ? 'learning rate and step scale' : 'learning rate';
  return `${what}, ${quantity(trials, 'trial')} a method and task on ${seeds.length === 1 ? 'seed' : 'seeds'} ${seeds.join(', ')}`;
}

const distinct = (values: readonly string[]) => [...new Set(values)].join('; ');

/** Settings that all tasks share, and what was made of them. */
export function settingsOf({ results, runs, digest }: Evaluation): Fact[] {
  const { settings, tasks, methods, toolkitVersion } = results;
  const diverged = runs.filter(({ status }) => status === 'diverged').length;
  const facts = tasks.map((task) => taskFacts(task, settings.tuning !== null));
  const common = (facts[0] ?? []).filter((fact, i) => facts.every((own) => own[i][1] === fact[1]));
  return [
    ...(settings.suite === null ? [] : [['suite', settings.suite] as const]),
    [tasks.length === 1 ? 'task' : 'tasks', tasks.map(({ task }) => task).join(', ')],
    ['methods', methods.map(({ name }) => name).join(', ')],
    ['seeds', settings.seeds.join(', ')],
    ['tuning', describeTuning(settings)],
    ...common,
    [
      'trainings',
      `${runs.length}${diverged > 0 ? `, ${diverged} of them diverged` : ''}, ${settings.alone ? 'one at a time' : 'beside one another'}`,
    ],
    ['engine', distinct(runs.map(({ engineDescription }) => engineDescription))],
    ['toolkit', distinct([toolkitVersion, ...runs.map((run) => run.toolkitVersion)])],
    ['made from results', `SHA-256 ${digest.slice(0, 12)}…`],
  ];
}
