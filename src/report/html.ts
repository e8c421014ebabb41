// HTML that only this project's own text can make elements of: everything else that stands in it is escaped.

import { printableLines } from '../printable.js';

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

class Fragment {
  readonly #text: string;
  constructor(text: string) {
    this.#text = text;
  }
  toString(): string {
    return this.#text;
  }
}

/** A piece of HTML. Only {@link html} and {@link trusted} make one. */
export type Html = Fragment;

/** What may stand in HTML: text, which is escaped, its control characters shown; HTML, which is not; any number of both, one after another. */
export type Content = string | number | Html | readonly Content[];

function render(content: Content): string {
  if (content instanceof Fragment) return content.toString();
  if (Array.isArray(content)) return content.map(render).join('');
  return printableLines(String(content)).replace(/[&<>"']/g, (character) => ENTITIES[character]);
}

/** Tag of templates of HTML. Values stand in text or between the quotes of an attribute, nowhere else. */
export function html(parts: TemplateStringsArray, ...values: readonly Content[]): Html {
  return new Fragment(String.raw({ raw: parts }, ...values.map(render)));
}

/** The text of a file of this project as HTML. Nothing that an evaluation or an option brings may come here. */
export function trusted(text: string): Html {
  return new Fragment(text);
}
