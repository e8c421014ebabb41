// The stage: from an evaluation's directory to one HTML page.

import { join } from 'node:path';
import { writeFileAtomic } from '../atomic.js';
import { REPORT_NAME } from '../evaluation/reportFile.js';
import { needed, OBJECT, type OptionTypes, requireOptions, TEXT } from '../optionTypes.js';
import type { Chart } from './chart.js';
import { comparison, renderLead } from './comparison.js';
import { html } from './html.js';
import { renderPage, type Section } from './page.js';
import { provenance } from './provenance.js';
import { type Evaluation, readEvaluation } from './readEvaluation.js';
import { type Series, seriesOf } from './series.js';
import { settingsOf } from './settings.js';
import { renderFacts } from './table.js';
import { taskParts } from './taskParts.js';
import { drawTrainedErrors } from './trainedErrors.js';
import { drawTrainingCurves } from './trainingCurve.js';

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
  /** Directories of `wnn train --out` by the name of the nowcaster, for the curve of its training. Default: none. */
  trainings?: Readonly<Record<string, string>>;
}

/** The types of {@link ReportOptions}. */
const REPORT_OPTIONS: OptionTypes<ReportOptions> = {
  directory: needed(TEXT),
  out: TEXT,
  title: TEXT,
  note: TEXT,
  trainings: OBJECT,
};

/** Result of {@link writeReport}. */
export interface ReportResult {
  /** Path of the page. */
  file: string;
  bytes: number;
  /** Charts on it. */
  charts: number;
}

/** Charts of how the nowcasters were trained. */
function trainingCharts({ results }: Evaluation, trainings: Readonly<Record<string, string>>): Chart[] {
  const series = seriesOf(results.methods);
  const linear: Series = series.find((_, m) => results.methods[m].type === 'linear') ?? {
    key: 'linear',
    name: 'linear',
  };
  const charts = results.methods.flatMap(({ about }, m) => {
    const errors = about.heldOut ? drawTrainedErrors(series[m], linear, about.heldOut) : null;
    return errors ? [errors] : [];
  });
  for (const [name, directory] of Object.entries(trainings)) {
    const m = results.methods.findIndex((method) => method.name === name);
    const own: Series = series[m] ?? { key: 'other', name };
    charts.push(...drawTrainingCurves(own, linear, directory, results.methods[m]?.about.heldOut));
  }
  return charts;
}

/**
 * Writes the page of an evaluation: self-contained, for any browser, light or dark as the reader's system is. The same
 * results give the same bytes.
 *
 * @throws MissingFileError when there is no evaluation, CorruptFileError or SchemaVersionError for files that cannot be
 * read, WriteError when the page cannot be written.
 */
export function writeReport(options: ReportOptions): ReportResult {
  requireOptions('writeReport', options, REPORT_OPTIONS);
  const evaluation = readEvaluation(options.directory);
  const { results, digest } = evaluation;
  const training = trainingCharts(evaluation, options.trainings ?? {});
  const sections: Section[] = [
    comparison(evaluation),
    ...results.tasks.flatMap((task) => taskParts(evaluation, task)),
    ...(training.length > 0 ? [{ title: 'Training of the nowcasters', charts: training }] : []),
    provenance(evaluation),
  ];
  const title = options.title ?? `Weight nowcasting: ${results.tasks.map(({ task }) => task).join(', ')}`;
  const note = options.note === undefined ? '' : html`<p>${options.note}</p>\n`;
  const opening = html`${renderLead(results)}${note}${renderFacts(settingsOf(evaluation))}`;
  const page = renderPage({ title, html: opening, digest }, sections);
  const file = options.out ?? join(options.directory, REPORT_NAME);
  writeFileAtomic(file, page);
  const charts = sections.reduce((sum, section) => sum + (section.charts?.length ?? 0), 0);
  return { file, bytes: Buffer.byteLength(page), charts };
}
