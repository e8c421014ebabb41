import { describe, expect, it } from 'vitest';
import { placeLabels, shorten } from '../../src/report/labels.js';

describe('shorten', () => {
  it('keeps both ends of a long name, and short names whole', () => {
    expect(shorten('introspection', 20)).toBe('introspection');
    expect(shorten('ours+learningRate0.003+keepNorm', 16)).toBe('ours+lear…epNorm');
    expect(shorten('ours+learningRate0.003+keepNorm', 16)).toHaveLength(16);
  });
});

describe('placeLabels', () => {
  const at = (x: number, y: number, text = 'ours 0.9123') => ({ x, y, text });
  const place = (labels: ReturnType<typeof at>[]) =>
    placeLabels(labels, ({ x, y }) => ({ x: Number(x), y: Number(y) }), 380, 250);

  it('moves labels at one height apart, and stays in the drawing', () => {
    const placed = place(Array.from({ length: 8 }, (_, i) => at(190, 240 + (i % 3) / 10)));
    const heights = placed.map(({ y }) => y).sort((a, b) => a - b);
    for (let i = 1; i < heights.length; i++) expect(heights[i] - heights[i - 1]).toBeGreaterThan(12);
    expect(heights[7]).toBeLessThanOrEqual(254);
  });

  it('leaves labels alone that do not meet, and turns one at the right edge', () => {
    const [left, right] = place([at(50, 100), at(370, 100)]);
    expect([left.anchor, left.x, left.y]).toEqual(['start', 57, 104]);
    expect([right.anchor, right.x, right.y]).toEqual(['end', 363, 104]);
  });

  it('ends for heights whose differences no float holds exactly', () => {
    const labels = Array.from({ length: 40 }, (_, i) => at(100, 20 + i * 0.1 + 1 / 3));
    expect(place(labels)).toHaveLength(40);
  });
});
