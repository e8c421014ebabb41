// The page: one HTML file with its style and charts inside, no script, nothing from the network.

import type { Chart } from './draw.js';

/** A part of the page. */
export interface Section {
  title: string;
  /** HTML that stands before the charts. */
  html?: string;
  charts?: readonly Chart[];
}

const STYLE = `
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
figure { margin: 0; } figure svg { max-width: 100%; height: auto; overflow: visible; } figcaption p { margin: 0 0 0.3rem; }
pre { background: var(--soft); padding: 0.6rem; white-space: pre-wrap; overflow-wrap: anywhere; font-size: 0.85rem; }
ul { padding-left: 1.2rem; }
`;

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Text as it may stand in HTML. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character]);
}

/**
 * A table; cells are HTML. It scrolls by itself where the screen is narrow.
 *
 * @param text whether it holds words rather than figures, which stand to the right.
 */
export function renderTable(header: readonly string[], rows: readonly (readonly string[])[], text = false): string {
  const cells = (row: readonly string[], tag: string) => row.map((cell) => `<${tag}>${cell}</${tag}>`).join('');
  const body = rows.map((row) => `<tr>${cells(row, 'td')}</tr>`).join('\n');
  const head = header.length > 0 ? `<thead><tr>${cells(header, 'th')}</tr></thead>` : '';
  return `<div class="scroll"><table${text ? ' class="text"' : ''}>${head}\n<tbody>${body}</tbody></table></div>`;
}

/** A list of plain sentences; nothing for none. */
export function renderList(lines: readonly string[]): string {
  return lines.length === 0 ? '' : `<ul>${lines.map((line) => `<li>${escapeHtml(line)}</li>`).join('')}</ul>`;
}

function renderChart({ title, caption, svg }: Chart): string {
  const text = `<h3>${escapeHtml(title)}</h3><p class="quiet">${escapeHtml(caption)}</p>`;
  return `<figure><figcaption>${text}</figcaption>${svg}</figure>`;
}

function renderSection({ title, html = '', charts = [] }: Section): string {
  const drawn = charts.length > 0 ? `<div class="charts">${charts.map(renderChart).join('\n')}</div>` : '';
  return `<section><h2>${escapeHtml(title)}</h2>\n${html}\n${drawn}</section>`;
}

/** Counts the charts' clip paths from 1, which Plot counts on from page to page. */
function numberClips(html: string): string {
  const numbers = new Map<string, number>();
  return html.replace(/plot-clip-\d+/g, (id) => {
    if (!numbers.has(id)) numbers.set(id, numbers.size + 1);
    return `clip-${numbers.get(id)}`;
  });
}

/** The whole document. */
export function renderPage(title: string, introduction: string, sections: readonly Section[]): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
</head>
<body>
<h1>${escapeHtml(title)}</h1>
${introduction}
${numberClips(sections.map(renderSection).join('\n'))}
</body>
</html>
`;
}
