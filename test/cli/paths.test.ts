import { join } from 'node:path';
import { expect, it } from 'vitest';
import { showPaths } from '../../src/cli/paths.js';

const here = process.cwd();

it.each([
  [`no file: ${join(here, 'a/b.json')}; see ${join(here, 'c')}`, 'no file: a/b.json; see c'],
  [`nowcaster:ours=${join(here, 'weights/mine')}`, 'nowcaster:ours=weights/mine'],
  [join(here, 'data'), 'data'],
])('shows what is below the current directory relative to it: %s', (text, shown) => {
  expect(showPaths(text)).toBe(shown);
});

it.each([`/elsewhere${here}/a`, `file://${here}/a.mjs`, `${here}-other/a`, `no directory: ${here}`, 'nothing'])(
  'leaves other text as it is: %s',
  (text) => {
    expect(showPaths(text)).toBe(text);
  },
);
