// The stage: from an evaluation's directory to one HTML page.

import { join } from 'node:path';
import { writeFileAtomic } from '../atomic.js';
import type { TaskSettings, TaskSummary } from '../evaluation/schema.js';
import { statements } from '../evaluation/statements.js';
import { describeTask, scoreTable, secondaryTable, type TextTable, targetTable } from '../evaluation/table.js';
import { drawCourses } from './courses.js';
import { colorName, methodColor } from './draw.js';
import { drawExamples, drawForecastErrors } from './forecasts.js';
import { type Html, html } from './html.js';
import { renderList, renderPage, renderTable, type Section } from './page.js';
import { type Evaluation, readEvaluation } from './readEvaluation.js';
import { drawTrainedErrors, drawTrainingCourses } from './training.js';

/** Options of {@link writeReport}. */
export interface ReportOptions {
  /** What `wnn evaluate --out` wrote. */
  directory: string;
  /** The page. Default: `report.html` in that directory. */
  out?: string;
  /** Title of the page. Default: `Weight nowcasting: ` and the tasks. */
  title?: string;
  /** What readers should know before they read, under the title. Default: nothing. */
  note?: string;
  /** Directories of `wnn train --out` by the name of the nowcaster, for the course of its training. Default: none. */
  trainings?: Readonly<Record<string, string>>;
}

/** Result of {@link writeReport}. */
export interface ReportResult {
  /** Path of the page. */
  file: string;
  bytes: number;
  /** Charts on it. */
  charts: number;
}

function swatch(index: number, name: string): Html {
  return html`<span class="name"><span class="swatch ${colorName(index)}"></span>${name}</span>`;
}

function taskSections(evaluation: Evaluation, task: Evaluation['results']['tasks'][number]): Section[] {
  const { results, runs, forecasts } = evaluation;
  const names = task.methods.map(({ name }) => name);
  const swatched = ({ header, rows }: TextTable) =>
    renderTable(
      header,
      rows.map((row, m) => [swatch(m, row[0]), ...row.slice(1)]),
    );
  const errors = drawForecastErrors(task.forecastErrors, names);
  const examples = drawExamples(forecasts.find((entry) => entry.task === task.task)?.examples ?? [], names);
  const about = html`<p class="quiet">${describeTask(results, task)}.</p>`;
  return [
    {
      title: task.task,
      html: html`${about}${swatched(scoreTable(task))}${renderList(statements(task))}${swatched(targetTable(task))}${swatched(secondaryTable(task))}`,
      charts: drawCourses(task as TaskSummary, runs),
    },
    ...(errors.length > 0 ? [{ title: `${task.task}: errors of the forecasts`, charts: errors }] : []),
    ...(examples.length > 0 ? [{ title: `${task.task}: forecasts and truth`, charts: examples }] : []),
  ];
}

/** A word of a command line, as shells read it. */
function quoteWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function describeOptimizer({ name, ...settings }: TaskSettings['optimizer']): string {
  return [name, ...Object.entries(settings).map(([setting, value]) => `${setting} ${value}`)].join(', ');
}

/** The command that makes the same evaluation. */
function commandOf({ results, runs }: Evaluation): string {
  const { methods, methodModules, tasks } = results;
  const settings = { ...results.settings, ...tasks[0].settings };
  const { name, learningRate, schedule } = settings.optimizer;
  // The baseline is there unasked, unless it has settings.
  const asked = methods
    .filter(({ name, about }) => !about.baseline || about.command !== name)
    .map(({ about }) => about.command);
  const parts = ['wnn evaluate', `--task ${tasks.map(({ task }) => task).join(',')}`];
  parts.push(`--seed ${tasks[0]?.seeds.join(',')}`, `--epochs ${settings.epochs}`);
  parts.push(`--batch-size ${settings.batchSize}`, `--optimizer ${name}`, `--learning-rate ${learningRate}`);
  if (schedule !== undefined) parts.push(`--schedule ${quoteWord(String(schedule))}`);
  if (settings.trainExamples !== null) parts.push(`--train-examples ${settings.trainExamples}`);
  if (settings.validationExamples !== null) parts.push(`--validation-examples ${settings.validationExamples}`);
  if (settings.targets.length > 0) parts.push(`--target ${settings.targets.join(',')}`);
  parts.push(`--method ${asked.length > 0 ? quoteWord(asked.join(',')) : "''"}`);
  for (const module of methodModules) parts.push(`--method-module ${quoteWord(module)}`);
  if (runs[0]) parts.push(`--engine ${runs[0].engine}`);
  return `${parts.join(' ')} --out DIR`;
}

function provenance(evaluation: Evaluation): Section {
  const { results, runs } = evaluation;
  const settings = { ...results.settings, ...results.tasks[0].settings };
  const distinct = (values: readonly string[]) => [...new Set(values)].join('; ');
  const facts: [string, string][] = [
    ['toolkit', distinct([results.toolkitVersion, ...runs.map(({ toolkitVersion }) => toolkitVersion)])],
    ['engine', distinct(runs.map(({ engineDescription }) => engineDescription))],
    ['runs', `${runs.length} finished, ${runs.filter(({ status }) => status === 'diverged').length} diverged`],
    ['optimizer', describeOptimizer(settings.optimizer)],
    ['batch size', String(settings.batchSize)],
    ['training examples', String(settings.trainExamples ?? 'all')],
    ['validation examples', String(settings.validationExamples ?? 'all')],
  ];
  const methods = results.methods.map((method, m) => [swatch(m, method.name), method.about.sentence]);
  const trainings = results.methods.flatMap(({ name, about }) =>
    about.training ? [`${name}: ${about.training}`] : [],
  );
  return {
    title: 'Where this comes from',
    html: html`${renderTable([], facts, true)}
${renderTable(['method', 'what it is'], methods, true)}
${renderList(trainings)}
<p class="quiet">The same again:</p><pre>${commandOf(evaluation)}</pre>`,
  };
}

/**
 * Writes the page of an evaluation: self-contained, for any browser, light or dark as the reader's system is.
 *
 * @throws MissingFileError when there is no evaluation, CorruptFileError or SchemaVersionError for files that cannot be
 * read, WriteError when the page cannot be written.
 */
export function writeReport(options: ReportOptions): ReportResult {
  const evaluation = readEvaluation(options.directory);
  const { results } = evaluation;
  const heldOutOf = new Map(results.methods.map(({ name, about }) => [name, about.heldOut ?? {}]));
  const colorOf = (name: string) => {
    const index = results.methods.findIndex((method) => method.name === name);
    return index < 0 ? 'var(--accent)' : methodColor(index);
  };
  const colorsOf = (name: string) => ({ own: colorOf(name), linear: colorOf('linear') });
  const training = [
    ...[...heldOutOf].flatMap(([name, heldOut]) => drawTrainedErrors(name, heldOut, colorsOf(name))),
    ...Object.entries(options.trainings ?? {}).flatMap(([name, directory]) =>
      drawTrainingCourses(name, directory, heldOutOf.get(name), colorsOf(name)),
    ),
  ];
  const sections = [
    ...results.tasks.flatMap((task) => taskSections(evaluation, task)),
    ...(training.length > 0 ? [{ title: 'Training of the nowcasters', charts: training }] : []),
    provenance(evaluation),
  ];
  const title = options.title ?? `Weight nowcasting: ${results.tasks.map(({ task }) => task).join(', ')}`;
  const note = options.note === undefined ? '' : html`<p>${options.note}</p>\n`;
  const introduction = html`${note}<p>${results.methods.map(({ name }, m) => html`${swatch(m, name)} &nbsp; `)}</p>`;
  const page = renderPage(title, introduction, sections);
  const file = options.out ?? join(options.directory, 'report.html');
  writeFileAtomic(file, page);
  const charts = sections.reduce((sum, section) => sum + ('charts' in section ? (section.charts?.length ?? 0) : 0), 0);
  return { file, bytes: Buffer.byteLength(page), charts };
}
