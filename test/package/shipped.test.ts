// The nowcaster that ships with the toolkit, as `load()` finds it in the package as npm packs it: in a Node project, and in
// pages by every way that modules come to a page. No page names or serves weights.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build as esbuild } from 'esbuild';
import { createServer as createViteServer, build as viteBuild } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import webpack from 'webpack';
import { makeProject } from './packed.js';
import { CHROMIUM, resultOf, serve } from './pages.js';

/** What a Node job and the pages run: a training with the shipped nowcaster, and what an address without files gives. */
const JOB = `
  import { WeightForecasting } from 'weight-nowcaster/callback';
  import * as tf from '@tensorflow/tfjs-core';
  import * as tfl from '@tensorflow/tfjs-layers';
  import '@tensorflow/tfjs-backend-cpu';
  export async function run(absent) {
    await tf.setBackend('cpu');
    const callback = await WeightForecasting.load();
    const model = tfl.sequential({ layers: [tfl.layers.dense({ units: 3, inputShape: [4] })] });
    model.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
    await model.fit(tf.ones([8, 4]), tf.ones([8, 3]), { epochs: 12, callbacks: [callback], verbose: 0 });
    const [{ outcome, scalars }] = callback.history;
    await callback.dispose();
    const error = await WeightForecasting.load(absent).then(() => null, (error) => error.message);
    return { outcome, scalars, error };
  }
`;
const EXPECTED = { outcome: 'kept', scalars: { conv: 0, fc: 12, bias: 3 } };

let project: Awaited<ReturnType<typeof makeProject>>;
/** The project's directory. */
let dir: string;

beforeAll(async () => {
  project = await makeProject();
  dir = project.directory;
  writeFileSync(join(dir, 'package.json'), '{ "name": "project", "private": true, "type": "module" }');
  writeFileSync(join(dir, 'job.js'), JOB);
}, 60_000);
afterAll(() => project?.remove());

it('is carried, and no other that may lie beside it', () => {
  expect(existsSync(join(project.installed, 'weights', 'README.md'))).toBe(true);
  expect(existsSync(join(project.installed, 'weights', 'quick'))).toBe(false);
});

it('nowcasts in a Node job', () => {
  writeFileSync(
    join(dir, 'node.js'),
    "import { run } from './job.js'; console.log(JSON.stringify(await run('weights/absent')));",
  );
  const printed = execFileSync(process.execPath, ['node.js'], { cwd: dir, encoding: 'utf8', stdio: 'pipe' });
  const { error, ...result } = JSON.parse(printed.trim().split('\n').at(-1)!) as Record<string, unknown>;
  expect(result).toEqual(EXPECTED);
  expect(error).toMatch(/^no such file: weights\/absent\/nowcaster\.json; /);
});

describe.skipIf(!existsSync(CHROMIUM))('in Chromium (skipped where /usr/bin/chromium is absent)', () => {
  const MAIN = "import { run } from './job.js'; run('absent').then((result) => { window.result = result; });";
  const page = (head: string) => `<!doctype html><link rel="icon" href="data:,">${head}`;

  async function expectNowcast(address: string, error: RegExp, problems: RegExp[] = []) {
    const shown = await resultOf(address);
    const { error: message, ...result } = shown.result as Record<string, unknown>;
    expect(result).toEqual(EXPECTED);
    expect(message).toMatch(error);
    expect(shown.problems.filter((problem) => !problems.some((known) => known.test(problem)))).toEqual([]);
  }

  const NOT_FOUND = /^cannot fetch \(status 404\): absent\/nowcaster\.json; check the address/;
  const ABSENT = [/absent\/nowcaster\.json$/];
  const PAGE = /^answered with an HTML page: absent\/nowcaster\.json; check the address/;

  beforeAll(() => {
    writeFileSync(join(dir, 'main.js'), MAIN);
    writeFileSync(join(dir, 'index.html'), page('<script type="module" src="/main.js"></script>'));
  });

  it('nowcasts from a plain static server', async () => {
    await esbuild({
      stdin: { contents: "export { default } from 'seedrandom';", resolveDir: process.cwd() },
      bundle: true,
      format: 'esm',
      outfile: join(dir, 'seedrandom.js'),
      platform: 'browser',
    });
    const tfjs = (name: string, file: string) => [
      `@tensorflow/tfjs-${name}`,
      `/node_modules/@tensorflow/tfjs-${name}/dist/${file}.fesm.min.js`,
    ];
    const imports = Object.fromEntries([
      tfjs('core', 'tf-core'),
      tfjs('layers', 'tf-layers'),
      tfjs('backend-cpu', 'tf-backend-cpu'),
      ['seedrandom', '/seedrandom.js'],
      ['weight-nowcaster/callback', '/node_modules/weight-nowcaster/dist/callback/browser.js'],
    ]);
    mkdirSync(join(dir, 'plain'));
    const map = `<script type="importmap">${JSON.stringify({ imports })}</script>`;
    writeFileSync(join(dir, 'plain', 'index.html'), page(`${map}<script type="module" src="/main.js"></script>`));
    const server = await serve(dir);
    await expectNowcast(`${server.address}plain/`, NOT_FOUND, ABSENT).finally(server.close);
  }, 120_000);

  it('nowcasts under the development server of Vite, which answers everything with its page', async () => {
    const server = await createViteServer({ root: dir, configFile: false, logLevel: 'silent', server: { port: 0 } });
    await server.listen();
    await expectNowcast(server.resolvedUrls!.local[0]!, PAGE).finally(() => server.close());
  }, 120_000);

  it('nowcasts in a build of Vite', async () => {
    await viteBuild({ root: dir, configFile: false, logLevel: 'silent', build: { outDir: 'vite' } });
    const server = await serve(join(dir, 'vite'));
    await expectNowcast(server.address, NOT_FOUND, ABSENT).finally(server.close);
  }, 120_000);

  it('nowcasts in a build of webpack', async () => {
    const output = { path: join(dir, 'webpack'), filename: 'main.js' };
    const stats = await new Promise<webpack.Stats | undefined>((resolve, reject) => {
      const optimization = { minimize: false };
      webpack({ mode: 'production', context: dir, entry: './main.js', output, optimization }, (error, result) =>
        error ? reject(error) : resolve(result),
      );
    });
    expect(stats?.toJson({ errors: true }).errors).toEqual([]);
    writeFileSync(join(dir, 'webpack', 'index.html'), page('<script src="main.js"></script>'));
    const server = await serve(join(dir, 'webpack'));
    await expectNowcast(server.address, NOT_FOUND, ABSENT).finally(server.close);
  }, 120_000);
});
