import { describe, expect, it } from 'vitest';
import { withoutDirectories } from '../../src/report/directories.js';

describe('withoutDirectories', () => {
  it.each([
    ['/home/me/zoo', '…/zoo'],
    ['nowcaster:ours=/home/me/zoo?stepScale=2', 'nowcaster:ours=…/zoo?stepScale=2'],
    ['trained on /data/runs, every 3 epochs', 'trained on …/runs, every 3 epochs'],
    ["cannot open '/srv/a b/c, d': gone", "cannot open '…/c, d': gone"],
    ['file:///opt/methods/mine.mjs', '…/mine.mjs'],
    ['C:\\Users\\me\\zoo', '…/zoo'],
    ['\\\\server\\share\\zoo', '…/zoo'],
  ])('cuts %j to its last name', (text, expected) => {
    expect(withoutDirectories({ text })).toEqual({ text: expected });
  });

  it.each(['mnist/lenet', 'weights/zoo', 'text/gpt?depth=2', 'https://example.org/a/b', 's/nowcast', 'a / b', '/'])(
    'leaves %j',
    (text) => {
      expect(withoutDirectories([text, 1, null, true])).toEqual([text, 1, null, true]);
    },
  );

  it('finds a path with blanks in every text when it is a value of its own', () => {
    const data = { directory: '/home/my user/zoo', about: ['nowcaster /home/my user/zoo, SHA-256 0123'] };
    expect(withoutDirectories(data)).toEqual({ directory: '…/zoo', about: ['nowcaster …/zoo, SHA-256 0123'] });
  });
});
