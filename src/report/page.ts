// The page: one HTML file with its style, its script and its charts inside, and nothing from the network. Browsers are told
// to run and load nothing else.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { MADE_FROM } from '../evaluation/reportFile.js';
import type { Chart } from './chart.js';
import { renderFigure } from './figure.js';
import { type Html, html, trusted } from './html.js';

/** A part of the page. */
export interface Section {
  /** Heading and entry of the list of contents. */
  title: string;
  /** HTML that stands before the charts. */
  html?: Html;
  charts?: readonly Chart[];
  /** Whether its charts are as wide as half the page rather than a third. */
  wide?: boolean;
  /** Whether it belongs to the section before it, and is left out of the contents. */
  further?: boolean;
}

/** What stands above the sections. */
export interface Opening {
  title: string;
  /** HTML under the title. */
  html: Html;
  /** Digest of the results that the page is made from. */
  digest: string;
}

/** The project's own style and script, as they stand in the page. */
const [STYLE, SCRIPT] = ['page.css', 'page.js'].map((name) =>
  readFileSync(new URL(`../../assets/report/${name}`, import.meta.url), 'utf8'),
);

const hashOf = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** Nothing from elsewhere, and no style or script but the two above. */
const POLICY = `default-src 'none'; style-src ${hashOf(STYLE)}; script-src ${hashOf(SCRIPT)}; img-src data:; base-uri 'none'; form-action 'none'`;

function renderSection(
  { title, html: content, charts = [], wide }: Section,
  index: number,
  clips: Map<string, string>,
) {
  const figures = charts.map((chart) => renderFigure(chart, clips));
  return html`<section id="part-${index + 1}"><h2>${title}</h2>
${content ?? ''}
${charts.length > 0 ? html`<div class="charts${wide ? ' wide' : ''}">${figures}</div>` : ''}</section>
`;
}

/** The whole document. */
export function renderPage({ title, html: opening, digest }: Opening, sections: readonly Section[]): string {
  const clips = new Map<string, string>();
  const contents = sections.map(({ title, further }, i) =>
    further ? '' : html`<a href="#part-${i + 1}">${title}</a>\n`,
  );
  return String(html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="${MADE_FROM}" content="${digest}">
<title>${title}</title>
<link rel="icon" href="data:,">
<style>${trusted(STYLE)}</style>
</head>
<body>
<header>
<h1>${title}</h1>
${opening}
<nav aria-label="Contents">${contents}</nav>
</header>
<main>
${sections.map((section, i) => renderSection(section, i, clips))}</main>
<script>${trusted(SCRIPT)}</script>
</body>
</html>
`);
}
