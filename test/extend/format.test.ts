// An export format from outside of src/.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { loadNowcaster } from '../../src/callback/node.js';
import { exportNowcaster, registerExportFormat } from '../../src/export/index.js';
import { writeNowcasterDirectory } from '../callback/nowcasterDirectory.js';

const root = mkdtempSync(join(tmpdir(), 'wnn-format-'));
afterAll(() => rmSync(root, { recursive: true }));

it('is written beside the others and named in nowcaster.json', async () => {
  registerExportFormat({
    id: 'csv',
    description: 'one parameter a line, with the name of its array',
    async encode({ tag, network, parameters }) {
      const files: Record<string, Uint8Array> = {};
      const main: Record<string, string> = {};
      for (const [kind, values] of Object.entries(parameters)) {
        const lines = network.arrays.flatMap(({ name, start, end }) =>
          Array.from(values.subarray(start, end), (value) => `${name},${value}`),
        );
        main[kind] = `${kind}_${tag}.csv`;
        files[main[kind]] = new TextEncoder().encode(`${lines.join('\n')}\n`);
      }
      return { files, main };
    },
  });
  const [from, to] = [join(root, 'from'), join(root, 'to')];
  writeNowcasterDirectory(from);
  await exportNowcaster({ from, to, tag: 't', formats: ['csv', 'h5'] });
  const { manifest, parameters } = await loadNowcaster(to);
  expect(manifest.kinds.fc?.files).toEqual({
    tfjs: 'tfjs/fc/model.json',
    csv: 'fc_t.csv',
    h5: 'NWNN_FC_t.h5',
  });
  const lines = readFileSync(join(to, 'fc_t.csv'), 'utf8').trim().split('\n');
  expect(lines.map((line) => Number(line.split(',')[1]))).toEqual([...(parameters.fc as Float32Array)]);
  expect(lines[0]).toMatch(/^values_in\/kernel,/);
  await expect(exportNowcaster({ from, to: join(root, 'x'), formats: ['cvs'] })).rejects.toThrow(
    /unknown format: cvs; /,
  );
});
