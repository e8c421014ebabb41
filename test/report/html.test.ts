import { parseHTML } from 'linkedom';
import { describe, expect, it } from 'vitest';
import { type Content, html } from '../../src/report/html.js';
import { renderSvg } from '../../src/report/svg.js';

describe('html', () => {
  it('escapes text, numbers and lists, and keeps HTML of its own', () => {
    const inner = html`<b>${'<i>'}</b>`;
    expect(String(html`<p title="${`"'&`}">${[inner, '<', 1.5, [inner]]}</p>`)).toBe(
      '<p title="&quot;&#39;&amp;"><b>&lt;i&gt;</b>&lt;1.5<b>&lt;i&gt;</b></p>',
    );
  });

  it('shows control characters', () => {
    expect(String(html`${'a\u001b[2J\u0000\u202e\nb'}`)).toBe('a\\x1b[2J\\x00\\u202e\nb');
  });

  it('takes nothing for HTML that only looks like it', () => {
    const looks = { toString: () => '<script>', text: '<script>' } as unknown as Content;
    expect(String(html`${looks}`)).toBe('&lt;script&gt;');
    expect(String(html`${JSON.parse('["<script>"]')}`)).toBe('&lt;script&gt;');
  });
});

describe('renderSvg', () => {
  const parse = (text: string) => parseHTML(`<html><body>${text}</body></html>`).document.querySelector('svg')!;

  it('writes elements out with escaped text, without styles, with clip paths of the page', () => {
    const clips = new Map<string, string>();
    const text =
      '<svg style="color: red" aria-label="&lt;a&quot;"><style>a {}</style><g id="plot-clip-7"></g><text>&lt;b&gt;</text></svg>';
    expect(String(renderSvg(parse(text), clips))).toBe(
      '<svg aria-label="&lt;a&quot;"><g id="clip-1"></g><text>&lt;b&gt;</text></svg>',
    );
    expect(String(renderSvg(parse('<svg clip-path="url(#plot-clip-9)"></svg>'), clips))).toContain('url(#clip-2)');
  });

  it('refuses elements and attributes that no chart has', () => {
    expect(() => renderSvg(parse('<svg><script>1</script></svg>'), new Map())).toThrow(/element script/);
    expect(() => renderSvg(parse('<svg onload="1"></svg>'), new Map())).toThrow(/attribute onload/);
    expect(() => renderSvg(parse('<svg href="x"></svg>'), new Map())).toThrow(/attribute href/);
  });
});
