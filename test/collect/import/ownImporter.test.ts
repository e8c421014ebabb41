// An importer that the toolkit does not have: of a made-up format, handed in by whoever calls.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type CheckpointImporter, importCheckpoints } from '../../../src/collect/index.js';
import { readManifest } from '../../../src/trajectory/runReader.js';
import { readRun, scratch } from './fixtures.js';
import { makeNpz, put } from './makeFiles.js';

/** `#weights`, then a line a tensor: name, kind of elements, sizes, values. */
const linesImporter: CheckpointImporter = {
  id: 'lines',
  describe: '.lines of numbers as text',
  ending: /\.lines$/,
  recognizes: ({ text }) => text.startsWith('#weights'),
  open: async (path, take) => {
    const rows = readFileSync(path, 'utf8')
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.split(' '));
    await take({
      tensors: rows.map(([name, type, sizes, values]) => ({
        name,
        type: type === 'float' ? 'f32' : 'whole',
        shape: sizes.split('x').map(Number),
        read: () => Float32Array.from(values.split(','), Number),
      })),
    });
  },
};

const text = (epoch: number) => `#weights
dense/kernel float 2x1 ${epoch},-1.5
dense/bias float 1 ${epoch / 8}
opt_state/step float 1 9
seen whole 1 ${epoch * 100}
`;

test('imports a run with it: found by ending in a directory, by content elsewhere', async () => {
  const directory = join(scratch, 'lines');
  const files = [1, 2, 10].map((epoch) => put(join(directory, `e${epoch}.lines`), text(epoch)));
  put(join(directory, 'e3.npz'), makeNpz({ w: [[1], [1]] }));
  put(join(directory, 'notes.md'), '#weights');
  const renamed = [1, 2, 10].map((epoch) => put(join(scratch, 'renamed', `e${epoch}`), text(epoch)));
  for (const [sources, format] of [
    [[directory], 'lines'],
    [files, 'auto'],
    [renamed, 'auto'],
  ] as const) {
    const { runs, format: found } = await importCheckpoints({
      sources,
      format,
      store: join(scratch, `store-${sources[0].length}-${format}`),
      id: 'r',
      importers: [linesImporter],
    });
    expect(found).toBe('lines');
    expect(runs[0]).toMatchObject({ epochs: 3, status: 'complete', leftOut: { optimizer: 1, notFloat: 1 } });
    expect(readManifest(runs[0].directory).tensors).toEqual([
      { name: 'dense/kernel', kind: 'fc', kindBy: 'rank', shape: [2, 1] },
      { name: 'dense/bias', kind: 'bias', kindBy: 'rank', shape: [1] },
    ]);
    const kernels = (await readRun(runs[0].directory)).map((epoch) =>
      Buffer.from(epoch['dense/kernel'].base64, 'base64'),
    );
    expect(kernels.map((bytes) => [bytes.readFloatLE(0), bytes.readFloatLE(4)])).toEqual([
      [1, -1.5],
      [2, -1.5],
      [10, -1.5],
    ]);
  }
});

test('is not known without it', async () => {
  const file = put(join(scratch, 'alone', 'e1'), text(1));
  const importing = importCheckpoints({ sources: [file], store: join(scratch, 'none') });
  await expect(importing).rejects.toThrow(/^not a checkpoint of a known format: .*--format h5\|/);
  const named = importCheckpoints({ sources: [file], store: join(scratch, 'none'), format: 'lines' });
  await expect(named).rejects.toThrow(/^no format lines: --format; choose from auto, h5/);
});
