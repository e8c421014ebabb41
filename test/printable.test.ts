import { expect, test } from 'vitest';
import { WnnError } from '../src/errors.js';
import { printableJson, printableLine, printableLines } from '../src/printable.js';

const HOSTILE = 'a\u001b[2Jb\u009bc\rd\u202ee\nf\u007f';

test('control characters are shown, on one line or on several', () => {
  expect(printableLine(HOSTILE)).toBe('a\\x1b[2Jb\\x9bc\\x0dd\\u202ee\\nf\\x7f');
  expect(printableLines(HOSTILE)).toBe('a\\x1b[2Jb\\x9bc\\x0dd\\u202ee\nf\\x7f');
  expect(printableLine('größe 大きさ 🙂')).toBe('größe 大きさ 🙂');
});

test('JSON keeps its meaning', () => {
  const value = { name: HOSTILE };
  const text = printableJson(JSON.stringify(value, null, 2));
  expect(text).toMatch(/^[\n\x20-\x7e]*$/);
  expect(JSON.parse(text)).toEqual(value);
});

test('the message of an error is one line without them, and of bounded length', () => {
  const { message } = new WnnError({ what: HOSTILE, where: 'x'.repeat(1e6), remedy: 'try\nagain' });
  expect(message).toMatch(/^a\\x1b\[2Jb.*: x{1000}\.\.\.; try\\nagain$/);
  expect(message).not.toMatch(/[\p{Cc}\u202e]/u);
});
