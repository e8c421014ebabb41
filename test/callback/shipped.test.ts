// The nowcaster that ships with the toolkit, as `load()` finds it: from the sources, and from the package as npm packs it,
// installed in a Node project and served to a page.

import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { chromium } from 'playwright-core';
import { extract } from 'tar';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { directorySource, loadNowcaster, shippedDirectory } from '../../src/callback/node.js';
import { shippedFiles } from '../../src/callback/shipped.js';
import { readNowcaster } from '../../src/nowcaster/nowcaster.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const CHROMIUM = '/usr/bin/chromium';

/** First parameter of each kind: tells one nowcaster from another. */
const firstsOf = ({ parameters }: { parameters: Record<string, Float32Array> }) =>
  Object.entries(parameters).map(([kind, values]) => [kind, values[0], values.length]);

/** What both a Node job and a page run. */
const JOB = `
  import { WeightForecasting } from 'weight-nowcaster/callback';
  import * as tf from '@tensorflow/tfjs-core';
  import * as tfl from '@tensorflow/tfjs-layers';
  import '@tensorflow/tfjs-backend-cpu';
  await tf.setBackend('cpu');
  const callback = await WeightForecasting.load();
  const model = tfl.sequential({ layers: [tfl.layers.dense({ units: 3, inputShape: [4] })] });
  model.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
  await model.fit(tf.ones([8, 4]), tf.ones([8, 3]), { epochs: 12, callbacks: [callback], verbose: 0 });
  const [{ outcome, scalars }] = callback.history;
`;

let dir: string;
/** Where the packed package is installed. */
let installed: string;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'wnn-shipped-'));
  const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', dir];
  const [{ filename }] = JSON.parse(execFileSync('npm', args, { cwd: root, encoding: 'utf8', stdio: 'pipe' }));
  await extract({ file: join(dir, filename), cwd: dir });
  mkdirSync(join(dir, 'node_modules'));
  installed = join(dir, 'node_modules', 'weight-nowcaster');
  renameSync(join(dir, 'package'), installed);
  symlinkSync(join(root, 'node_modules', '@tensorflow'), join(dir, 'node_modules', '@tensorflow'));
}, 60_000);
afterAll(() => rmSync(dir, { recursive: true, force: true }));

it('names every file that reading it takes, and no other', async () => {
  const asked: string[] = [];
  const read = directorySource(shippedDirectory());
  const nowcaster = await readNowcaster((path) => {
    asked.push(path);
    return read(path);
  }, 'shipped');
  expect(asked.sort()).toEqual(Object.keys(shippedFiles()).sort());
  expect(firstsOf(nowcaster).map(([kind]) => kind)).toEqual(['conv', 'fc', 'bias']);
});

describe('the package as npm packs it', () => {
  it('carries the nowcaster, and no other that may lie beside it', async () => {
    const packed = await loadNowcaster(join(installed, shippedDirectory().slice(root.length)));
    expect(firstsOf(packed)).toEqual(firstsOf(await loadNowcaster(shippedDirectory())));
    expect(existsSync(join(installed, 'weights', 'README.md'))).toBe(true);
    expect(existsSync(join(installed, 'weights', 'quick'))).toBe(false);
  });

  it('nowcasts in a Node job that names no weights', () => {
    writeFileSync(join(dir, 'job.mjs'), `${JOB}\nconsole.log(JSON.stringify({ outcome, scalars }));`);
    const printed = execFileSync(process.execPath, ['job.mjs'], { cwd: dir, encoding: 'utf8', stdio: 'pipe' });
    expect(JSON.parse(printed.trim().split('\n').at(-1)!)).toEqual({
      outcome: 'kept',
      scalars: { conv: 0, fc: 12, bias: 3 },
    });
  });

  describe.skipIf(!existsSync(CHROMIUM))('in Chromium (skipped where /usr/bin/chromium is absent)', () => {
    const TYPES: Record<string, string> = {
      '.js': 'text/javascript',
      '.html': 'text/html',
      '.json': 'application/json',
    };
    let server: Server;
    afterAll(() => server?.close());

    it('nowcasts in a page that names no weights, and says what to do where they are not served', async () => {
      await build({
        stdin: { contents: "export { default } from 'seedrandom';", resolveDir: root },
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
      const page = `<!doctype html><link rel="icon" href="data:,">
        <script type="importmap">${JSON.stringify({ imports })}</script>
        <script type="module">${JOB} window.result = { outcome, scalars };</script>`;
      writeFileSync(join(dir, 'index.html'), page);
      let withheld = false;
      server = createServer((request, response) => {
        const { pathname } = new URL(request.url ?? '/', 'http://localhost');
        const path = join(dir, pathname === '/' ? 'index.html' : pathname);
        if (!existsSync(path) || (withheld && pathname.includes('/weights/'))) response.writeHead(404).end();
        else {
          response.writeHead(200, { 'content-type': TYPES[extname(path)] ?? 'application/octet-stream' });
          response.end(readFileSync(path));
        }
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
      const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
      try {
        const tab = await browser.newPage();
        const problems: string[] = [];
        tab.on('pageerror', (error) => problems.push(error.message));
        await tab.goto(address);
        await tab.waitForFunction('window.result', undefined, { timeout: 30_000 });
        expect(await tab.evaluate('window.result')).toEqual({ outcome: 'kept', scalars: { conv: 0, fc: 12, bias: 3 } });
        expect(problems).toEqual([]);
        withheld = true;
        const failed = tab.waitForEvent('pageerror');
        await tab.reload();
        expect((await failed).message).toMatch(
          /cannot fetch \(status 404\): http:.*nowcaster\.json; give `load` the address of a nowcaster directory/,
        );
      } finally {
        await browser.close();
      }
    }, 60_000);
  });
});
