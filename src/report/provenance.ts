// Where the results come from: what each method is, how its networks were trained, and the command that makes the same again.

import type { TaskSettings } from '../evaluation/schema.js';
import { html } from './html.js';
import type { Section } from './page.js';
import type { Evaluation } from './readEvaluation.js';
import { seriesOf } from './series.js';
import { renderList, renderTable } from './table.js';

/** A word of a command line, as shells read it. */
function quoteWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** Options of the trainings that are the same for all tasks; others are those of the suite. */
function sharedOptions({ tasks }: Evaluation['results']): string[] {
  const shared = (option: string, read: (settings: TaskSettings) => unknown): string[] => {
    const [value, ...others] = new Set(tasks.map(({ settings }) => read(settings)));
    return others.length > 0 || value === null || value === undefined ? [] : [`${option} ${quoteWord(String(value))}`];
  };
  return [
    ...shared('--epochs', ({ epochs }) => epochs),
    ...shared('--batch-size', ({ batchSize }) => batchSize),
    ...shared('--optimizer', ({ optimizer }) => optimizer.name),
    ...shared('--learning-rate', ({ optimizer }) => optimizer.learningRate),
    ...shared('--schedule', ({ optimizer }) => optimizer.schedule),
    ...shared('--train-examples', ({ trainExamples }) => trainExamples),
    ...shared('--epoch-examples', ({ epochExamples }) => epochExamples),
    ...shared('--validation-examples', ({ validationExamples }) => validationExamples),
  ];
}

/** The command that makes the same evaluation. */
function commandOf({ results }: Evaluation): string {
  const { settings, methods, methodModules, tasks } = results;
  const { suite, tuning, seeds, targets, newBestsAfter, alone, engine } = settings;
  // The baseline is there unasked, unless it has settings.
  const asked = methods
    .filter(({ name, about }) => !about.baseline || about.command !== name)
    .map(({ about }) => about.command);
  const parts = ['wnn evaluate', ...(suite === null ? [] : [`--suite ${suite}`])];
  parts.push(`--task ${quoteWord(tasks.map(({ task }) => task).join(','))}`, `--seed ${seeds.join(',')}`);
  parts.push(...sharedOptions(results));
  if (tuning !== null) parts.push(`--tune ${tuning.trials} --tune-seeds ${tuning.seeds.length}`);
  if (tuning?.stepScale) parts.push('--tune-step-scale');
  if (targets.length > 0) parts.push(`--target ${targets.join(',')}`);
  if (newBestsAfter !== null) parts.push(`--bests-after ${newBestsAfter}`);
  if (alone) parts.push('--seconds');
  parts.push(`--method ${asked.length > 0 ? quoteWord(asked.join(',')) : "''"}`);
  for (const module of methodModules) parts.push(`--method-module ${quoteWord(module)}`);
  return `${parts.join(' ')} --engine ${engine} --out DIR`;
}

/** The last section of the page. */
export function provenance(evaluation: Evaluation): Section {
  const { methods } = evaluation.results;
  const series = seriesOf(methods);
  const rows = methods.map(({ name, about }, m) => ({ cells: [name, about.sentence], series: series[m] }));
  const trainings = methods.flatMap(({ name, about }) => (about.training ? [`${name}: ${about.training}`] : []));
  return {
    title: 'Where this comes from',
    html: html`${renderTable(['method', 'what it is'], rows, true)}
${renderList(trainings)}
<p class="quiet">The same again; a path that begins with … stands for a directory of the machine where this was made:</p>
<pre>${commandOf(evaluation)}</pre>`,
  };
}
