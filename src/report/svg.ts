// A drawn chart as HTML: the elements and attributes that Observable Plot uses, and no others.

import { type Html, html } from './html.js';

const ELEMENTS = new Set(['svg', 'g', 'clipPath', 'path', 'line', 'rect', 'circle', 'text', 'tspan', 'title']);
const ATTRIBUTES =
  /^(aria-[a-z]+|class|clip-path|[crd]?[xyr]|[xy][12]|d|fill(-opacity)?|font-[a-z]+|height|id|stroke(-[a-z]+)?|text-anchor|transform|viewBox|width)$/;
/** Where things stand and what they look like: a tenth of a pixel is enough. */
const GEOMETRY = /^(d|transform|height|width|[crd]?[xyr]|[xy][12])$/;
const LONG_FRACTION = /-?\d*\.\d{2,}(e-?\d+)?/g;
const [ELEMENT_NODE, TEXT_NODE] = [1, 3];

/**
 * Writes an element out. Styles are left out: the page's own style has what Plot puts there.
 *
 * @param clips names of the clip paths of the page so far, by those that Plot gave, which counts on from page to page.
 */
export function renderSvg(element: Element, clips: Map<string, string>): Html {
  const name = element.localName;
  if (!ELEMENTS.has(name)) throw new Error(`a chart with the element ${name}`);
  const attributes = [...element.attributes]
    .filter((attribute) => attribute.name !== 'style')
    .map((attribute) => {
      if (!ATTRIBUTES.test(attribute.name)) throw new Error(`a chart with the attribute ${attribute.name}`);
      const value = attribute.value.replace(/plot-clip-\d+/, (id) => nameClip(id, clips));
      return html` ${attribute.name}="${GEOMETRY.test(attribute.name) ? roundNumbers(value) : value}"`;
    });
  const children = [...element.childNodes].map((node) => {
    if (node.nodeType === TEXT_NODE) return node.textContent ?? '';
    if (node.nodeType !== ELEMENT_NODE || (node as Element).localName === 'style') return '';
    return renderSvg(node as Element, clips);
  });
  return html`<${name}${attributes}>${children}</${name}>`;
}

function roundNumbers(text: string): string {
  return text.replace(LONG_FRACTION, (number) => String(Math.round(Number(number) * 10) / 10 || 0));
}

function nameClip(id: string, clips: Map<string, string>): string {
  const name = clips.get(id) ?? `clip-${clips.size + 1}`;
  clips.set(id, name);
  return name;
}
