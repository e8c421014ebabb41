// An importer from outside of src/.

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { importCheckpoints, loadImporterModules, registerImporter } from '../../src/collect/import/index.js';
import { readManifest } from '../../src/trajectory/runReader.js';
import { readRun, scratch } from '../collect/import/fixtures.js';
import { makeNpz, put } from '../collect/import/makeFiles.js';

const MODULE = fileURLToPath(new URL('linesImporter.mjs', import.meta.url));

const text = (epoch: number) => `#weights
dense/kernel float 2x1 ${epoch},-1.5
dense/bias float 1 ${epoch / 8}
opt_state/step float 1 9
seen whole 1 ${epoch * 100}
`;

test('is not known before it is registered', async () => {
  const file = put(join(scratch, 'alone', 'e1'), text(1));
  const importing = importCheckpoints({ sources: [file], store: join(scratch, 'none') });
  await expect(importing).rejects.toThrow(/^not a checkpoint of a known format: .*--format h5\|/);
  const named = importCheckpoints({ sources: [file], store: join(scratch, 'none'), format: 'lines' });
  await expect(named).rejects.toThrow(/^no format lines: --format; choose from auto, h5/);
});

test('modules without an importer are refused', async () => {
  await expect(loadImporterModules([join(scratch, 'no.mjs')])).rejects.toThrow(/^no such module: .*--importer-module/);
  const none = put(join(scratch, 'none.mjs'), 'export default { id: "none" };');
  await expect(loadImporterModules([none])).rejects.toThrow(/^exports no importer: .*none\.mjs/);
  const taken = put(join(scratch, 'taken.mjs'), 'export default { id: "npz", open() {} };');
  await expect(loadImporterModules([taken])).rejects.toThrow(/^there is an importer npz already: .*taken\.mjs/);
});

test('imports a run: found by ending in a directory, by content elsewhere', async () => {
  await loadImporterModules([MODULE, MODULE]);
  const { default: lines } = await import(MODULE);
  expect(() => registerImporter(lines)).toThrow('there is an importer lines already');
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
    });
    expect(found).toBe('lines');
    expect(runs[0]).toMatchObject({ snapshots: 3, status: 'complete', leftOut: { optimizer: 1, notFloat: 1 } });
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
