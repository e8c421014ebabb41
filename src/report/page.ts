// The page: one HTML file with its style and charts inside, no script, nothing from the network. Browsers are told to run and
// load nothing else.

import { createHash } from 'node:crypto';
import type { Chart } from './draw.js';
import { type Content, type Html, html } from './html.js';
import { renderSvg } from './svg.js';

/** A part of the page. */
export interface Section {
  title: string;
  /** HTML that stands before the charts. */
  html?: Html;
  charts?: readonly Chart[];
}

const STYLE = html`
:root { color-scheme: light dark; --text: #1c2024; --back: #ffffff; --soft: #f3f4f6; --line: #d5d9de; --muted: #808891;
  --accent: #0969b5; --m0: #6b7280; --m1: #c2570c; --m2: #0969b5; --m3: #0f7b4f; --m4: #a3278f; --m5: #8a6d00;
  --m6: #c0262d; --m7: #5b4bd6; --m8: #0d7c86; --m9: #7a4b2b;
  --m10: #1e3a8a; --m11: #6b7a00; }
@media (prefers-color-scheme: dark) { :root { --text: #e6e8eb; --back: #14171a; --soft: #1f2429; --line: #3a4149;
  --muted: #8b949e; --accent: #58b2ff; --m0: #a7b0ba; --m1: #ff9a4d; --m2: #58b2ff; --m3: #4cc38a; --m4: #f07bdc;
  --m5: #e2c23a; --m6: #ff7b80; --m7: #a99bff; --m8: #4fd0db; --m9: #d3a17c;
  --m10: #9db4ff; --m11: #c4d463; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 64rem; background: var(--back); color: var(--text);
  font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 0.5rem 0; } h2 { font-size: 1.25rem; margin: 2rem 0 0.5rem; }
h3 { font-size: 1rem; margin: 0; }
p { margin: 0.4rem 0; } .quiet { color: var(--muted); font-size: 0.875rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 0.9rem; min-width: 100%; }
th, td { text-align: right; padding: 0.35rem 0.5rem; border-bottom: 1px solid var(--line); white-space: nowrap; }
th:first-child, td:first-child, .text td, .text th { text-align: left; white-space: normal; }
td:first-child { white-space: nowrap; } th:first-child, td:first-child { position: sticky; left: 0; }
td:first-child { background: var(--back); } .charts { margin-top: 1rem; } th { white-space: normal; vertical-align: bottom; font-weight: 600; background: var(--soft); }
.name { white-space: nowrap; } .swatch { display: inline-block; width: 0.75em; height: 0.75em; border-radius: 2px; margin-right: 0.4em; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 27rem), 1fr)); gap: 1.25rem 1rem; }
figure { margin: 0; } figure svg { display: block; max-width: 100%; height: auto; overflow: visible; font-size: 12px; }
figure svg text { white-space: pre; } figcaption p { margin: 0 0 0.3rem; }
pre { background: var(--soft); padding: 0.6rem; white-space: pre-wrap; overflow-wrap: anywhere; font-size: 0.85rem; }
ul { padding-left: 1.2rem; }
.m0 { background: var(--m0); } .m1 { background: var(--m1); } .m2 { background: var(--m2); } .m3 { background: var(--m3); }
.m4 { background: var(--m4); } .m5 { background: var(--m5); } .m6 { background: var(--m6); } .m7 { background: var(--m7); }
.m8 { background: var(--m8); } .m9 { background: var(--m9); } .m10 { background: var(--m10); } .m11 { background: var(--m11); }
`;

/** Nothing from elsewhere, no script, and only the style above. */
const POLICY = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(String(STYLE)).digest('base64')}'; img-src data:; base-uri 'none'; form-action 'none'`;

/**
 * A table. It scrolls by itself where the screen is narrow.
 *
 * @param text whether it holds words rather than numbers, which stand to the right.
 */
export function renderTable(header: readonly Content[], rows: readonly (readonly Content[])[], text = false): Html {
  const body = rows.map((row) => html`<tr>${row.map((cell) => html`<td>${cell}</td>`)}</tr>\n`);
  const head = html`<thead><tr>${header.map((cell) => html`<th>${cell}</th>`)}</tr></thead>`;
  return html`<div class="scroll"><table class="${text ? 'text' : 'numbers'}">${header.length > 0 ? head : ''}
<tbody>${body}</tbody></table></div>`;
}

/** A list of plain sentences; nothing for none. */
export function renderList(lines: readonly string[]): Content {
  return lines.length === 0 ? '' : html`<ul>${lines.map((line) => html`<li>${line}</li>`)}</ul>`;
}

function renderSection({ title, html: content, charts = [] }: Section, clips: Map<string, string>): Html {
  const figures = charts.map(
    (chart) =>
      html`<figure><figcaption><h3>${chart.title}</h3><p class="quiet">${chart.caption}</p></figcaption>${renderSvg(chart.svg, clips)}</figure>\n`,
  );
  return html`<section><h2>${title}</h2>
${content ?? ''}
${charts.length > 0 ? html`<div class="charts">${figures}</div>` : ''}</section>
`;
}

/** The whole document. */
export function renderPage(title: string, introduction: Html, sections: readonly Section[]): string {
  const clips = new Map<string, string>();
  return String(html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
</head>
<body>
<h1>${title}</h1>
${introduction}
${sections.map((section) => renderSection(section, clips))}</body>
</html>
`);
}
