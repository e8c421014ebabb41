// The nowcaster that ships with the toolkit in pages that Vite and webpack have built from the packed toolkit.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build as viteBuild } from 'vite';
import { afterAll, beforeAll, expect, it } from 'vitest';
import webpack from 'webpack';
import { ABSENT, expectNowcast, NOT_FOUND, pageOf, writeJob, writePage } from './job.js';
import { makeProject } from './packed.js';
import { serve } from './pages.js';

let project: Awaited<ReturnType<typeof makeProject>>;
/** The project's directory. */
let dir: string;

beforeAll(async () => {
  project = await makeProject();
  dir = project.directory;
  writeJob(dir);
  writePage(dir);
}, 60_000);
afterAll(() => project?.remove());

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
  writeFileSync(join(dir, 'webpack', 'index.html'), pageOf('<script src="main.js"></script>'));
  const server = await serve(join(dir, 'webpack'));
  await expectNowcast(server.address, NOT_FOUND, ABSENT).finally(server.close);
}, 120_000);
