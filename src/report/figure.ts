// A chart on the page: its title, its legend, the drawing, which takes the focus of the keyboard, and the table behind it.

import type { Chart } from './chart.js';
import { type Content, type Html, html } from './html.js';
import { renderSvg } from './svg.js';
import { renderName, renderTable } from './table.js';

/** Places as the page's script reads them: `row,x,y,series` one after another. */
function listPlaces({ places }: Chart): string {
  return places
    .map(({ row, x, y, series }) => [row, x.toFixed(1), y.toFixed(1), ...(series ? [series.key] : [])].join(','))
    .join(' ');
}

function renderLegend({ series }: Chart): Content {
  if (series.length < 2) return html`<p class="legend">${series.map(renderName)}</p>`;
  const entries = series.map(
    (entry) => html`<button type="button" aria-pressed="true" data-series="${entry.key}">${renderName(entry)}</button>`,
  );
  return html`<div class="legend" role="group" aria-label="shown in the charts">${entries}</div>`;
}

/** @param clips names of the clip paths of the page so far; see renderSvg. */
export function renderFigure(chart: Chart, clips: Map<string, string>): Html {
  const { title, caption, table, reading, svg } = chart;
  return html`<figure>
<figcaption><h3>${title}</h3>${caption === '' ? '' : html`<p class="quiet">${caption}</p>`}</figcaption>
${renderLegend(chart)}
<div class="plot" tabindex="0" role="group" aria-label="${title}: values by the arrow keys" data-reading="${reading}" data-places="${listPlaces(chart)}">${renderSvg(svg, clips)}</div>
<details><summary>Table</summary>${renderTable(table.header, table.rows)}</details>
</figure>
`;
}
