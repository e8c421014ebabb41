// What the page leads with: the sentence that a reader can quote, and the comparison of all methods with plain training.

import { headline } from '../evaluation/headline.js';
import { describeTarget, overallTable, type TextTable } from '../evaluation/table.js';
import { type Content, type Html, html } from './html.js';
import type { Section } from './page.js';
import { drawProfile } from './profiles.js';
import { drawRatios } from './ratios.js';
import type { Evaluation } from './readEvaluation.js';
import { type Series, seriesOf } from './series.js';
import { renderTable } from './table.js';

type Results = Evaluation['results'];

/** Methods that the page speaks of first: nowcasters, else the first that is not the baseline. */
function leadingMethods({ methods }: Results): string[] {
  const nowcasters = methods.filter(({ type }) => type === 'nowcaster');
  return (nowcasters.length > 0 ? nowcasters : methods.slice(1, 2)).map(({ name }) => name);
}

/** A sentence as one can quote it: with a capital, unless it begins with a method's name. */
function sentencesOf(results: Results): Content {
  const [first, ...others] = leadingMethods(results);
  if (first === undefined) return '';
  const seconds = headline(results, first, 'seconds');
  const quote = headline(results, first);
  return [
    quote === null ? '' : html`<p class="lead">${quote}</p>\n`,
    seconds === null || !results.settings.alone ? '' : html`<p>${seconds}</p>\n`,
    ...others.map((name) => {
      const sentence = headline(results, name);
      return sentence === null ? '' : html`<p>${sentence}</p>\n`;
    }),
  ];
}

/** What a reader has to know of the comparison before the numbers. */
function caveats({ settings, missingTasks, tasks }: Results): Content {
  const rates = [...new Set(tasks.map((task) => task.settings.optimizer.learningRate))];
  const lines: string[] = [];
  if (settings.tuning === null)
    lines.push(
      `Untuned: all methods ran at learning rate ${rates.join(', ')}. A better rate may save more than any method here.`,
    );
  for (const { task, reason } of missingTasks) lines.push(`${task} is left out: ${reason}`);
  return lines.map((line) => html`<p class="warning">${line}</p>\n`);
}

/** What stands under the title. */
export function renderLead(results: Results): Html {
  return html`${sentencesOf(results)}${caveats(results)}`;
}

/** A table of methods with their colors. */
export function renderMethods({ header, rows }: TextTable, methods: readonly Series[]): Html {
  return renderTable(
    header,
    rows.map((cells, m) => ({ cells, series: methods[m] })),
  );
}

/** The first section. */
export function comparison({ results }: Evaluation): Section {
  const { tasks, overall, settings } = results;
  const methods = seriesOf(results.methods);
  const charts = (['epochs', 'seconds'] as const).flatMap((unit) => [
    drawRatios(results, methods, unit),
    drawProfile(overall[0], methods, unit),
  ]);
  const targets = tasks.map(({ task, targets: [target] }) => `${task}: ${describeTarget(target)}`).join('; ');
  const about = html`<p class="quiet">The target of a task is the median over the seeds of the best validation metric that plain training reaches${
    settings.tuning === null ? '' : ' at its own tuned learning rate'
  }. ${targets}.${settings.alone ? '' : ' Seconds are rough: runs may have shared the machine.'}</p>`;
  return {
    title: settings.tuning === null ? 'Against plain training, untuned' : 'Against the tuned baseline',
    html: html`${about}${tasks.length > 1 ? renderMethods(overallTable(results), methods) : ''}`,
    charts: charts.filter((chart) => chart !== null),
    wide: true,
  };
}
