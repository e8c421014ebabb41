// Pickles that Python wrote, and such that would have something called.

import { describe, expect, test } from 'vitest';
import {
  decodePickle,
  PickleGlobal,
  PickleObject,
  PickleProblem,
  PickleReference,
  type PickleValue,
} from '../../src/formats/pickle.js';

/** pickle.dumps of CPython 3.11 of {@link COMMON}, by protocol. */
const WRITTEN: Record<number, string> = {
  0: 'KGxwMApOYUkwMQphSTAwCmFJMAphSTEKYUktMQphSTI1NQphSTI1NgphSTY1NTM1CmFJNjU1MzYKYUktMjE0NzQ4MzY0OAphTDIxNDc0ODM2NDhMCmFMMTA5OTUxMTYyNzc3NkwKYUwtMTA5OTUxMTYyNzc3NkwKYUw5MjIzMzcyMDM2ODU0Nzc1ODA4TAphTC0xMTgwNTkxNjIwNzE3NDExMzAzNDI0TAphRjEuNQphRi1pbmYKYUYtMC4yNQphVmjpbGxvXHUwMDBhCnAxCmFWCnAyCmEodGEoSTEKdHAzCmEoSTEKSTIKdHA0CmEoSTEKSTIKSTMKdHA1CmEoSTEKSTIKSTMKSTQKdHA2CmEobHA3CmEobHA4CkkxCmEobHA5CkkyCmFhYShkcDEwClZhCnAxMQoobHAxMgpJMQphKGRwMTMKVmIKcDE0Cih0c2FzSTIKVngKcDE1CnNhVnh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eApwMTYKYShscDE3CihscDE4Ckk3CmFhZzE4CmFhLg==',
  1: 'XXEAKE5JMDEKSTAwCksASwFK/////0v/TQABTf//SgAAAQBKAAAAgEwyMTQ3NDgzNjQ4TApMMTA5OTUxMTYyNzc3NkwKTC0xMDk5NTExNjI3Nzc2TApMOTIyMzM3MjAzNjg1NDc3NTgwOEwKTC0xMTgwNTkxNjIwNzE3NDExMzAzNDI0TApHP/gAAAAAAABH//AAAAAAAABHv9AAAAAAAABYBwAAAGjDqWxsbwpxAVgAAAAAcQIpKEsBdHEDKEsBSwJ0cQQoSwFLAksDdHEFKEsBSwJLA0sEdHEGXXEHXXEIKEsBXXEJSwJhZX1xCihYAQAAAGFxC11xDChLAX1xDVgBAAAAYnEOKXNlSwJYAQAAAHhxD3VYLAEAAHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHEQXXERKF1xEksHYWgSZWUu',
  2: 'gAJdcQAoToiJSwBLAUr/////S/9NAAFN//9KAAABAEoAAACAigUAAACAAIoGAAAAAAABigYAAAAAAP+KCQAAAAAAAACAAIoJAAAAAAAAAADARz/4AAAAAAAAR//wAAAAAAAAR7/QAAAAAAAAWAcAAABow6lsbG8KcQFYAAAAAHECKUsBhXEDSwFLAoZxBEsBSwJLA4dxBShLAUsCSwNLBHRxBl1xB11xCChLAV1xCUsCYWV9cQooWAEAAABhcQtdcQwoSwF9cQ1YAQAAAGJxDilzZUsCWAEAAAB4cQ91WCwBAAB4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHhxEF1xEShdcRJLB2FoEmVlLg==',
  3: 'gANdcQAoToiJSwBLAUr/////S/9NAAFN//9KAAABAEoAAACAigUAAACAAIoGAAAAAAABigYAAAAAAP+KCQAAAAAAAACAAIoJAAAAAAAAAADARz/4AAAAAAAAR//wAAAAAAAAR7/QAAAAAAAAWAcAAABow6lsbG8KcQFYAAAAAHECKUsBhXEDSwFLAoZxBEsBSwJLA4dxBShLAUsCSwNLBHRxBl1xB11xCChLAV1xCUsCYWV9cQooWAEAAABhcQtdcQwoSwF9cQ1YAQAAAGJxDilzZUsCWAEAAAB4cQ91WCwBAAB4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHhxEF1xEShdcRJLB2FoEmVlLg==',
  4: 'gASV/AEAAAAAAABdlChOiIlLAEsBSv////9L/00AAU3//0oAAAEASgAAAICKBQAAAIAAigYAAAAAAAGKBgAAAAAA/4oJAAAAAAAAAIAAigkAAAAAAAAAAMBHP/gAAAAAAABH//AAAAAAAABHv9AAAAAAAACMB2jDqWxsbwqUjACUKUsBhZRLAUsChpRLAUsCSwOHlChLAUsCSwNLBHSUXZRdlChLAV2USwJhZX2UKIwBYZRdlChLAX2UjAFilClzZUsCjAF4lHVYLAEAAHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eJRdlChdlEsHYWgSZWUu',
  5: 'gAWV/AEAAAAAAABdlChOiIlLAEsBSv////9L/00AAU3//0oAAAEASgAAAICKBQAAAIAAigYAAAAAAAGKBgAAAAAA/4oJAAAAAAAAAIAAigkAAAAAAAAAAMBHP/gAAAAAAABH//AAAAAAAABHv9AAAAAAAACMB2jDqWxsbwqUjACUKUsBhZRLAUsChpRLAUsCSwOHlChLAUsCSwNLBHSUXZRdlChLAV2USwJhZX2UKIwBYZRdlChLAX2UjAFilClzZUsCjAF4lHVYLAEAAHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eJRdlChdlEsHYWgSZWUu',
};
const COMMON = [
  null,
  true,
  false,
  0,
  1,
  -1,
  255,
  256,
  65535,
  65536,
  -(2 ** 31),
  2 ** 31,
  2 ** 40,
  -(2 ** 40),
  2n ** 63n,
  -(2n ** 70n),
  1.5,
  Number.NEGATIVE_INFINITY,
  -0.25,
  'h\u00e9llo\n',
  '',
  [],
  [1],
  [1, 2],
  [1, 2, 3],
  [1, 2, 3, 4],
  [],
  [1, [2]],
  new Map<unknown, unknown>([
    ['a', [1, new Map([['b', []]])]],
    [2, 'x'],
  ]),
  'x'.repeat(300),
  [[7], [7]],
];
/** [b'\\x00\\xff', b'y' * 300, {1, 2}, frozenset([3]), bytearray(b'xy')] in protocols 4 and 5. */
const BINARY = [
  'gASVawEAAAAAAABdlChDAgD/lEIsAQAAeXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5lI+UKEsBSwKQKEsDkZSMCGJ1aWx0aW5zlIwJYnl0ZWFycmF5lJOUQwJ4eZSFlFKUZS4=',
  'gAWVVQEAAAAAAABdlChDAgD/lEIsAQAAeXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5lI+UKEsBSwKQKEsDkZSWAgAAAAAAAAB4eZRlLg==',
];

const bytes = (...parts: (string | number[])[]) =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(part))));

describe('what Python wrote', () => {
  test.each(Object.keys(WRITTEN).map(Number))('in protocol %i', (protocol) => {
    const value = decodePickle(Buffer.from(WRITTEN[protocol], 'base64')) as PickleValue[];
    expect(value).toEqual(COMMON);
    const [one, other] = value.at(-1) as PickleValue[];
    expect(one).toBe(other);
  });

  test('bytes and sets', () => {
    for (const [i, written] of BINARY.entries()) {
      const [two, many, set, frozen, array] = decodePickle(Buffer.from(written, 'base64')) as PickleValue[];
      expect([...(two as Uint8Array)]).toEqual([0, 255]);
      expect(many).toHaveLength(300);
      expect(set).toEqual(new Set([1, 2]));
      expect(frozen).toEqual(new Set([3]));
      // Before protocol 5 a bytearray is made by a call.
      if (i === 1) expect([...(array as Uint8Array)]).toEqual([120, 121]);
      else expect((array as PickleObject).callee).toEqual(new PickleGlobal('builtins', 'bytearray'));
    }
  });

  test('a list that holds itself', () => {
    const value = decodePickle(bytes([0x80, 2], ']q\x00h\x00a.')) as PickleValue[];
    expect(value[0]).toBe(value);
  });
});

describe('whatever would be called is a record of the call', () => {
  const system = new PickleGlobal('os', 'system');
  const global = 'cos\nsystem\n';
  const command = "(S'touch /tmp/x'\n";
  const CALLS: Record<string, Buffer> = {
    'GLOBAL, REDUCE': bytes(global, command, 'tR.'),
    'STACK_GLOBAL, REDUCE': bytes([0x80, 4], '\x8c\x02os\x8c\x06system\x93', command, 'tR.'),
    INST: bytes(command, 'ios\nsystem\n.'),
    OBJ: bytes('(', global, "S'touch /tmp/x'\n", 'o.'),
    NEWOBJ: bytes([0x80, 2], global, command, 't\x81.'),
  };
  test.each(Object.keys(CALLS))('%s', (name) => {
    const value = decodePickle(CALLS[name]) as PickleObject;
    expect(value).toBeInstanceOf(PickleObject);
    expect(value.callee).toEqual(system);
    expect(value.args).toEqual(['touch /tmp/x']);
  });

  test('NEWOBJ_EX, with its keywords', () => {
    const value = decodePickle(bytes([0x80, 4], global, command, 't}\x92.')) as PickleObject;
    expect(value.callee).toEqual(system);
    expect(value.args).toEqual([['touch /tmp/x'], new Map()]);
  });

  test('BUILD, which sets no attribute and calls no __setstate__', () => {
    const value = decodePickle(bytes(global, ")R}S'__setstate__'\n", global, 'sb.')) as PickleObject;
    expect(value.state).toEqual(new Map([['__setstate__', system]]));
    expect(Object.keys(value).sort()).toEqual(['appended', 'args', 'callee', 'items', 'state']);
    expect(() => decodePickle(bytes(global, '}b.'))).toThrow(PickleProblem);
  });

  test('EXT1, EXT2, EXT4: numbers that stand for names', () => {
    for (const code of [
      [0x82, 7],
      [0x83, 7, 0],
      [0x84, 7, 0, 0, 0],
    ]) {
      const value = decodePickle(bytes(code, ')R.')) as PickleObject;
      expect(value.callee).toEqual(new PickleGlobal('copyreg extension', '7'));
    }
  });

  test('persistent ids are references that nothing follows', () => {
    expect(decodePickle(bytes('Pid\n.'))).toEqual(new PickleReference('id'));
    expect(decodePickle(bytes("(S'storage'\ntQ."))).toEqual(new PickleReference(['storage']));
  });

  test('names of JavaScript are names like others, and keys touch no prototype', () => {
    const value = decodePickle(bytes("cglobalThis\nFunction\n(S'return process'\ntR.")) as PickleObject;
    expect(value.callee).toEqual(new PickleGlobal('globalThis', 'Function'));
    const dictionary = decodePickle(bytes("}S'__proto__'\n}S'polluted'\nI01\nss.")) as Map<string, PickleValue>;
    expect(dictionary.get('__proto__')).toEqual(new Map([['polluted', true]]));
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });
});

describe('what is no whole pickle is a problem', () => {
  test.each<[string, Buffer, RegExp]>([
    ['cut off', bytes(']'), /ends at byte 1/],
    ['a text beyond the end', bytes('X\xff\xff\xff\x7fab.'), /ends at byte/],
    ['a length of 2^63', bytes('\x8e\xff\xff\xff\xff\xff\xff\xff\x7f.'), /ends at byte/],
    ['a value that is not there', bytes('0.'), /no|none/],
    ['a mark that is not there', bytes('t.'), /mark/],
    ['a mark for a value', bytes('(R.'), /none/],
    ['a memory that is empty', bytes('h\x05.'), /recalls value 5/],
    ['an operation that does not exist', bytes('\xff.'), /operation 255 at byte 0/],
    ['protocol 9', bytes([0x80, 9], 'N.'), /protocol 9/],
    ['an out-of-band buffer', bytes([0x80, 5], '\x97.'), /operation 151/],
    ['items of a list', bytes(']NNs.'), /no dictionary/],
    ['a dictionary of odd length', bytes('(Nd.'), /no dictionary/],
    ['appending to a text', bytes("S'a'\nNa."), /no list/],
    ['a name that is no text', bytes('NN\x93.'), /no text/],
    ['a number of 4 GB', bytes('\x8b\xff\xff\xff\x7f.'), /whole number of/],
    ['digits without end', bytes('L', '9'.repeat(5000), '\n.'), /whole number/],
  ])('%s', (_, pickle, message) => {
    expect(() => decodePickle(pickle)).toThrow(PickleProblem);
    expect(() => decodePickle(pickle)).toThrow(message);
  });
});
