// Threads in a real browser: pages that are cross-origin isolated, or not, or whose policy forbids workers, bundled and
// from a plain static server. Whatever the threads, the bytes are those of one thread in Node.

import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createWasmCompute } from '../../src/compute/wasmCompute.js';
import { PAPER_SPEC } from '../../src/nowcaster/spec.js';
import type { PageResult } from './browser/page.js';
import { computeAll } from './browser/threads.js';

/** Debian's Chromium. */
const CHROMIUM = '/usr/bin/chromium';
const ISOLATED = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' };
const HEADERS: Record<string, Record<string, string>> = {
  '/isolated': ISOLATED,
  '/plain': {},
  '/forbidden': {
    ...ISOLATED,
    'content-security-policy': "script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'",
  },
};
/** For machines that do much else at the same time, in milliseconds. */
const PATIENCE = 150_000;
const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

describe.skipIf(!existsSync(CHROMIUM))(
  'in Chromium (skipped where /usr/bin/chromium is absent)',
  { timeout: PATIENCE },
  () => {
    let server: Server;
    let browser: Browser;
    let digest: string;

    beforeAll(async () => {
      const { outputFiles } = await build({
        entryPoints: [here('browser/page.ts')],
        bundle: true,
        minify: true,
        format: 'esm',
        platform: 'browser',
        write: false,
      });
      server = createServer(({ url = '/' }, response) => {
        const type = (name: string) => ({
          'content-type': `text/${name}`,
          'cross-origin-resource-policy': 'same-origin',
        });
        if (url in HEADERS) {
          response.writeHead(200, { ...type('html'), ...HEADERS[url] });
          response.end('<!doctype html><script type="module" src="/page.js"></script>');
        } else if (url === '/page.js') {
          response.writeHead(200, type('javascript')).end(outputFiles[0].text);
        } else if (/^\/dist\/[a-zA-Z/.]+\.js$/.test(url) && existsSync(here(`../..${url}`))) {
          response.writeHead(200, type('javascript')).end(readFileSync(here(`../..${url}`)));
        } else response.writeHead(404).end();
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
      digest = await computeAll(await createWasmCompute(PAPER_SPEC, { threads: 1 }));
    }, PATIENCE);

    afterAll(async () => {
      await browser?.close();
      server?.close();
    });

    /** Opens a page of a machine of three processors. */
    async function openPage(path: string): Promise<Page> {
      const page = await browser.newPage();
      page.setDefaultTimeout(PATIENCE);
      await page.addInitScript("Object.defineProperty(navigator, 'hardwareConcurrency', { value: 3 })");
      await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`);
      await page.waitForFunction('globalThis.run');
      return page;
    }

    const expectNoWorkers = (page: Page) => expect.poll(() => page.workers().length, { timeout: PATIENCE / 2 }).toBe(0);

    test('an isolated page computes on several workers, with the bytes of one thread, and ends them', async () => {
      const page = await openPage('/isolated');
      const result = (await page.evaluate('run()')) as PageResult;
      expect(result).toEqual({
        isolated: true,
        description: 'wasm, 3 threads',
        digest,
        notes: [],
        enders: expect.any(Number),
        trainingNotes: [],
        outcomes: ['kept', 'kept'],
      });
      expect(result.enders).toBeGreaterThan(1);
      // Those of the callback were ended with it.
      await expect.poll(() => page.workers().length, { timeout: PATIENCE / 2 }).toBe(3);
      await page.evaluate('end()');
      await expectNoWorkers(page);
      await page.close();
    });

    test('a page that is not isolated computes on its own thread, silently', async () => {
      const page = await openPage('/plain');
      expect(await page.evaluate('run()')).toEqual({
        isolated: false,
        description: 'wasm, 1 thread',
        digest,
        notes: [],
        enders: 0,
        trainingNotes: [],
        outcomes: ['kept', 'kept'],
      });
      expect(page.workers()).toEqual([]);
      await page.close();
    });

    test('where the policy forbids the workers, one thread computes the same and a note says so once', async () => {
      const page = await openPage('/forbidden');
      const result = (await page.evaluate('run()')) as PageResult;
      const note = expect.stringMatching(
        /^Nowcasting on one thread: workers could not start \(.+\); allow worker-src blob:$/,
      );
      expect(result).toEqual({
        isolated: true,
        description: 'wasm, 1 thread',
        digest,
        notes: [note],
        enders: 0,
        trainingNotes: [note],
        outcomes: ['kept', 'kept'],
      });
      await expectNoWorkers(page);
      await page.close();
    });

    test('the modules as built work from a plain static server, and a worker that fails is an error', async () => {
      const page = await openPage('/isolated');
      const failure = await page.evaluate(`(async () => {
      const { createPoolCompute } = await import('/dist/kernels/pool.js');
      const { webThreads } = await import('/dist/kernels/webThreads.js');
      const { networkOf, PAPER_SPEC } = await import('/dist/nowcaster/spec.js');
      const { WEB_WORKER_SOURCE } = await import('/dist/compute/webWorker.generated.js');
      const { loadWasmKernels } = await import('/dist/families/wasmKernels.js');
      const fused = await loadWasmKernels(PAPER_SPEC.family);
      const threads = webThreads(WEB_WORKER_SOURCE, 2);
      const compute = await createPoolCompute(fused, PAPER_SPEC, networkOf(PAPER_SPEC), threads);
      const forward = () => compute.forward(new Float32Array(9425), new Float32Array(5000), 1000, new Float32Array(1000));
      await forward();
      await compute.dispose();
      return forward().catch((error) => error.message);
    })()`);
      expect(failure).toBe('the threads have been ended');
      await page.close();
    });
  },
);
