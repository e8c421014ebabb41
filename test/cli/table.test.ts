import { expect, test } from 'vitest';
import { formatTable } from '../../src/cli/table.js';

const HEADER = ['run', 'task', 'epochs', 'loss', 'size'];
const ROWS = [
  ['a', 'mnist/mlp', 12, '0.25', '1.2 MB'],
  ['long-name', 'text/gpt', 3, '1.75', '310 kB'],
];

test('text to the left, numbers to the right, under a header', () => {
  expect(formatTable(HEADER, ROWS, 2, Number.POSITIVE_INFINITY).split('\n')).toEqual([
    'run        task       epochs  loss    size',
    '---------  ---------  ------  ----  ------',
    'a          mnist/mlp      12  0.25  1.2 MB',
    'long-name  text/gpt        3  1.75  310 kB',
  ]);
});

test('one line too wide: the columns that do not fit follow below, beside the first ones', () => {
  const whole = formatTable(HEADER, ROWS, 2, 42);
  expect(whole.split('\n')[0]).toHaveLength(42);
  const split = formatTable(HEADER, ROWS, 2, 41);
  expect(split.split('\n')).toEqual([
    'run        task       epochs  loss',
    '---------  ---------  ------  ----',
    'a          mnist/mlp      12  0.25',
    'long-name  text/gpt        3  1.75',
    '',
    'run        task         size',
    '---------  ---------  ------',
    'a          mnist/mlp  1.2 MB',
    'long-name  text/gpt   310 kB',
  ]);
});

test('however narrow the line, every column is shown', () => {
  const blocks = formatTable(HEADER, ROWS, 1, 5).split('\n\n');
  expect(blocks).toHaveLength(4);
  for (const [i, block] of blocks.entries())
    expect(block.split('\n')[0]).toMatch(new RegExp(`^run +${HEADER[i + 1]}$`));
});
