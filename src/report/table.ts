// Tables and lists as HTML.

import { type Content, type Html, html } from './html.js';
import { colorName, type Series } from './series.js';

/** A name with its series' color before it. */
export function renderName(series: Series): Html {
  return html`<span class="name"><span class="swatch ${colorName(series)}"></span>${series.name}</span>`;
}

/** A heading or a row of a table with the key of its series, by which the page's script finds it. */
export interface Cells {
  cells: readonly Content[];
  series?: Series;
}

const keyOf = (series: Series | undefined) => (series ? html` data-series="${series.key}"` : '');

/**
 * A table. It scrolls by itself where the screen is narrow.
 *
 * @param header headings; none: a table without.
 * @param text whether it holds words rather than numbers, which stand to the right.
 */
export function renderTable(
  header: readonly (Content | { text: string; series?: Series })[],
  rows: readonly (readonly Content[] | Cells)[],
  text = false,
): Html {
  const headings = header.map((cell) => {
    if (typeof cell !== 'object' || !('text' in cell)) return html`<th scope="col">${cell as Content}</th>`;
    return html`<th scope="col"${keyOf(cell.series)}>${cell.series ? renderName(cell.series) : cell.text}</th>`;
  });
  const body = rows.map((row) => {
    const { cells, series } = 'cells' in row ? row : { cells: row, series: undefined };
    const [first, ...rest] = cells;
    const name = series && typeof first === 'string' ? renderName({ ...series, name: first }) : first;
    return html`<tr${keyOf(series)}><th scope="row">${name}</th>${rest.map((cell) => html`<td>${cell}</td>`)}</tr>\n`;
  });
  return html`<div class="scroll"><table class="${text ? 'text' : 'numbers'}">${header.length > 0 ? html`<thead><tr>${headings}</tr></thead>` : ''}
<tbody>${body}</tbody></table></div>`;
}

/** A list of plain sentences; nothing for none. */
export function renderList(lines: readonly string[]): Content {
  return lines.length === 0 ? '' : html`<ul class="notes">${lines.map((line) => html`<li>${line}</li>`)}</ul>`;
}

/** Statements about the results, those that warn in front. */
export function renderStatements(lines: readonly string[]): Content {
  const warns = (line: string) => line.includes('WARNING');
  const warnings = lines.filter(warns).map((line) => html`<p class="warning">${line}</p>\n`);
  return [...warnings, renderList(lines.filter((line) => !warns(line)))];
}

/** Settings: what each is called and its value. */
export function renderFacts(facts: readonly (readonly [name: string, value: Content])[]): Html {
  return html`<dl class="facts">${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>\n`)}</dl>`;
}
