// Checkpoints as trainings leave them, written by Keras, PyTorch and NumPy (scripts/checkpoint_cases.py), which also wrote
// down what each must come to.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type ImportOptions, importCheckpoints, type LeftOut } from '../../../src/collect/import/index.js';
import { readManifest } from '../../../src/trajectory/runReader.js';
import { type Expected, readRun, scratch, unpack } from './fixtures.js';

interface Case {
  epochs: Expected;
  kinds: Record<string, string>;
  leftOut: Partial<LeftOut>;
  /** Patterns, each of which a note fits. */
  notes: string[];
  options: Partial<ImportOptions>;
}

const directory = unpack('cases');
const cases: Record<string, Case> = JSON.parse(readFileSync(join(directory, 'expected.json'), 'utf8'));

describe('what a framework wrote comes out value for value', () => {
  for (const [name, expected] of Object.entries(cases)) {
    test(name, async () => {
      const notes: string[] = [];
      const { runs } = await importCheckpoints({
        sources: [join(directory, name)],
        store: join(scratch, 'case-stores', name),
        id: 'r',
        onNote: (note) => notes.push(note),
        ...expected.options,
      });
      expect(await readRun(runs[0].directory)).toEqual(expected.epochs);
      const { tensors } = readManifest(runs[0].directory);
      const kinds = Object.fromEntries(tensors.map((tensor) => [tensor.name, tensor.kind]));
      if (Object.keys(expected.kinds).length > 0) expect(kinds).toEqual(expected.kinds);
      expect(runs[0].leftOut).toMatchObject(expected.leftOut);
      for (const note of expected.notes) expect(notes.join('\n')).toMatch(new RegExp(note, 'm'));
    });
  }
});
