import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadNowcaster } from '../../src/callback/node.js';
import type { PipelineResult } from '../../src/pipeline/index.js';
import { listRuns } from '../../src/trajectory/runReader.js';

const MAIN = resolve('dist/cli/main.js');
const directory = mkdtempSync(join(tmpdir(), 'wnn-run-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function run(): PipelineResult {
  const words = ['run', '--preset', 'tiny', '--engine', 'wasm', '--json', '--quiet'];
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...words], {
    encoding: 'utf8',
    cwd: directory,
  });
  expect(stderr).toBe('');
  expect(status).toBe(0);
  return JSON.parse(stdout);
}

describe('wnn run', () => {
  it('goes from recorded runs to a measured nowcaster, and keeps what is there the second time', {
    timeout: 240_000,
  }, async () => {
    const first = run();
    const runs = listRuns(join(directory, first.paths.collect));
    expect(runs.map(({ manifest }) => manifest.status)).toEqual(Array(4).fill('complete'));
    expect(new Set(runs.map(({ manifest }) => manifest.architecture))).toEqual(new Set(['lenet', 'mlp']));

    const nowcaster = await loadNowcaster(join(directory, first.paths.export));
    for (const kind of ['conv', 'fc', 'bias'] as const) {
      expect(nowcaster.parameters[kind]).toHaveLength(9425);
      expect(nowcaster.manifest.kinds[kind]?.training?.trainSamples).toBeGreaterThan(0);
      expect(existsSync(join(directory, first.paths.export, nowcaster.manifest.kinds[kind]!.files.h5))).toBe(true);
    }
    const [task] = first.evaluate.tasks;
    expect(task.methods.map(({ name }) => name)).toEqual(['plain', 'linear', 'nowcaster']);
    for (const { best } of task.methods) expect(best.mean).toBeGreaterThan(0.1);

    const weights = join(directory, first.paths.export, nowcaster.manifest.kinds.conv!.files.h5);
    const bytes = readFileSync(weights);
    const recorded = statSync(join(runs[0].directory, 'run.json')).mtimeMs;
    const second = run();
    expect(second.collect.recordedRuns).toBe(0);
    expect(second.evaluate.trained).toBe(0);
    expect(second.dataset.reused).toBe(true);
    expect(statSync(join(runs[0].directory, 'run.json')).mtimeMs).toBe(recorded);
    expect(readFileSync(weights)).toEqual(bytes);
    expect(second.evaluate.tasks).toEqual(first.evaluate.tasks);
  });
});
