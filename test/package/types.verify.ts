// The package's types as TypeScript 5 finds them, installed from npm's registry. The repository's own TypeScript is 7, which has
// no `moduleResolution: node10`.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { install, pack, ROOT } from './packed.js';

const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  exports: Record<string, unknown>;
};

describe('the types of the package', () => {
  let dir: string;

  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'wnn-types-'));
    writeFileSync(join(dir, 'package.json'), '{ "name": "project", "private": true, "type": "module" }');
    install(dir, [pack(dir), 'typescript@5.9.3', '@types/node@20.19.43']);
    const specifiers = Object.keys(exports).filter((name) => name !== './package.json');
    const imports = specifiers.map((name, i) => `import * as m${i} from 'weight-nowcaster${name.slice(1)}';`);
    writeFileSync(
      join(dir, 'use.ts'),
      `${imports.join('\n')}
      import { WeightForecasting, type WeightForecastingOptions } from 'weight-nowcaster';
      import { WeightForecasting as Same } from 'weight-nowcaster/callback';
      const options: WeightForecastingOptions = { period: 5 };
      export const callback: Promise<Same> = WeightForecasting.load(undefined, options);
      // @ts-expect-error: there are types, and they refuse this.
      WeightForecasting.load(undefined, { period: 'five' });
      export const modules = [${imports.map((_, i) => `m${i}`).join()}];`,
    );
  }, 600_000);
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  it.each([
    ['node10', 'esnext'],
    ['node16', 'node16'],
    ['bundler', 'esnext'],
  ])(
    'are found with moduleResolution %s',
    (resolution, module) => {
      const condition = resolution === 'bundler' ? ['--customConditions', 'node'] : [];
      const args = ['tsc', '--noEmit', '--strict', '--skipLibCheck', '--target', 'es2022', '--module', module];
      const run = () =>
        execFileSync('npx', [...args, '--moduleResolution', resolution, ...condition, 'use.ts'], {
          cwd: dir,
          encoding: 'utf8',
          stdio: 'pipe',
        });
      expect(run()).toBe('');
    },
    120_000,
  );
});
