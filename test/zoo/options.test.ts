import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/errors.js';
import { completeOptions, type DeclaredOptions, formatOptions, parseOptions } from '../../src/zoo/options.js';

const DECLARED: DeclaredOptions = {
  width: { describe: 'factor', default: 1, least: 0.125, most: 4 },
  depth: { describe: 'blocks', default: 4, least: 1, most: 12, whole: true },
  tied: { describe: 'whether', default: false },
};

describe('options of an architecture', () => {
  it('are read and written in one order, without defaults', () => {
    const options = completeOptions('net', DECLARED, parseOptions('tied=true&depth=4&width=0.5', 'net'));
    expect(options).toEqual({ width: 0.5, depth: 4, tied: true });
    expect(formatOptions(DECLARED, options)).toBe('?width=0.5&tied=true');
    expect(formatOptions(DECLARED, {})).toBe('');
  });

  it.each(['depth', 'depth=', 'depth=x', 'depth=1&depth=2', '', 'depth=2?tied=true'])('%j cannot be read', (text) => {
    expect(() => parseOptions(text, 'net')).toThrow(UsageError);
  });

  it('are within their ranges, whole where they must be, and known', () => {
    for (const wrong of [
      { depth: 1.5 },
      { depth: 0 },
      { depth: 13 },
      { width: Number.NaN },
      { tied: 1 },
      { depth: true },
    ])
      expect(() => completeOptions('net', DECLARED, wrong)).toThrow(/net out of range/);
    expect(() => completeOptions('net', DECLARED, { heads: 2 })).toThrow(/no option heads.*depth \(blocks\)/);
    expect(() => completeOptions('net', DECLARED, { constructor: 2 })).toThrow(UsageError);
  });
});
