// The package is packed and installed by npm into an empty project and used there by a process of its own.

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exportNowcaster, exportPackage } from '../../../src/export/index.js';
import { npmPackage } from '../../../src/export/packages/npm.js';
import { PAPER_SPEC } from '../../../src/nowcaster/spec.js';
import { normalizeWindows } from '../../../src/windows/normalize.js';
import { referenceForward } from '../../families/wnn/reference.js';
import { parametersOf, writeTraining } from '../trainingDirectory.js';

const NAME = '@someone/nowcaster';
const nodeModules = fileURLToPath(new URL('../../../node_modules', import.meta.url));

let root: string;
let project: string;
let tarball: string;

const run = (command: string, args: string[], cwd: string) =>
  execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'wnn-package-'));
  project = join(root, 'project');
  writeTraining(join(root, 'training'));
  await exportNowcaster({ from: join(root, 'training'), to: join(root, 'weights') });
  const made = join(root, 'package');
  await exportPackage({
    format: 'npm',
    from: join(root, 'weights'),
    to: made,
    name: NAME,
    version: '1.2.3',
    recommended: { stepScale: 0.5 },
  });
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), '{"name":"empty","version":"0.0.0","type":"module"}');
  const [{ filename }] = JSON.parse(run('npm', ['pack', '--json', '--pack-destination', root], made));
  tarball = join(root, filename);
  const quiet = ['--offline', '--legacy-peer-deps', '--ignore-scripts', '--no-audit', '--no-fund'];
  run('npm', ['install', tarball, ...quiet], project);
  // tfjs, the peer, without the network.
  symlinkSync(join(nodeModules, '@tensorflow'), join(project, 'node_modules/@tensorflow'));
}, 120_000);

afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('the package', () => {
  test('is small and depends on nothing but tfjs as a peer', () => {
    expect(statSync(tarball).size).toBeLessThan(220_000);
    const folder = join(project, 'node_modules', NAME);
    const json = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    expect(json).toMatchObject({ name: NAME, version: '1.2.3', license: 'MIT' });
    expect(json.dependencies).toBeUndefined();
    expect(Object.keys(json.peerDependencies)).toEqual(['@tensorflow/tfjs-core', '@tensorflow/tfjs-layers']);
    const readme = readFileSync(join(folder, 'README.md'), 'utf8');
    expect(readme).toContain('| fc | 0.40000 | 0.30000 | 0.20000 | 500 |');
    expect(readme).toContain('| a | mnist | lenet | training |');
  });

  test.each([
    ['pkg', './pkg'],
    ['sub/pkg', './sub/pkg'],
    ['../pkg', '../pkg'],
    ['/a/pkg', '/a/pkg'],
    ['my pkg', '"./my pkg"'],
  ])('in %s is told to npm as a directory, not as a package of the registry', (directory, told) => {
    expect(npmPackage.commands(directory)).toEqual({
      look: `npm pack --dry-run ${told}`,
      publish: `npm publish ${told}`,
    });
  });

  test('nowcasts in a training there, by the numbers of the network', () => {
    const script = `
      import '@tensorflow/tfjs-backend-cpu';
      import * as tf from '@tensorflow/tfjs-core';
      import * as tfl from '@tensorflow/tfjs-layers';
      import { weightForecasting } from '${NAME}';
      tf.enableProdMode();
      const model = tfl.sequential();
      const kernelInitializer = tfl.initializers.glorotUniform({ seed: 3 });
      model.add(tfl.layers.dense({ units: 4, inputShape: [3], activation: 'tanh', kernelInitializer }));
      model.add(tfl.layers.dense({ units: 1, kernelInitializer }));
      model.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
      const x = tf.randomNormal([32, 3], 0, 1, 'float32', 5);
      const y = tf.sum(x, 1, true);
      const read = () => model.getWeights().map((weight) => Array.from(weight.dataSync()));
      const epochs = [];
      const nowcasts = [];
      const recorder = new tfl.CustomCallback({ onEpochEnd: async () => void epochs.push(read()) });
      const forecasting = weightForecasting({ watch: false, onNowcast: () => void nowcasts.push(read()) });
      await model.fit(x, y, { epochs: 11, shuffle: false, verbose: 0, callbacks: [recorder, forecasting] });
      console.log(JSON.stringify({ epochs, nowcasts, history: forecasting.history.length }));
    `;
    writeFileSync(join(project, 'train.mjs'), script);
    const { epochs, nowcasts, history } = JSON.parse(run('node', ['train.mjs'], project)) as {
      epochs: number[][][];
      nowcasts: number[][][];
      history: number;
    };
    expect([epochs.length, nowcasts.length, history]).toEqual([11, 2, 2]);
    for (const [i, nowcast] of nowcasts.entries()) {
      const window = epochs.slice(5 * i, 5 * i + 5);
      for (const [tensor, kind] of (['fc', 'bias', 'fc', 'bias'] as const).entries()) {
        const raw = window.map((weights) => Float32Array.from(weights[tensor]));
        const count = raw[0].length;
        const windows = new Float32Array(count * 5);
        const [origins, scales] = [new Float64Array(count), new Float64Array(count)];
        normalizeWindows(PAPER_SPEC, raw, 0, count, windows, origins, scales);
        const outputs = referenceForward(PAPER_SPEC, parametersOf(PAPER_SPEC, kind), windows, count);
        nowcast[tensor].forEach((value, j) => {
          const forecast = (windows[5 * j + 4] + outputs[j]) * scales[j] + origins[j];
          expect(value).toBeCloseTo((raw[4][j] + forecast) / 2, 5);
        });
      }
    }
  });

  test('begins and reaches as the nowcaster does', async () => {
    const [training, made] = [join(root, 'late'), join(root, 'late-package')];
    const record = writeTraining(training);
    record.dataset.firstSnapshot = 3;
    writeFileSync(join(training, 'train.json'), JSON.stringify(record));
    await exportPackage({ format: 'npm', from: training, to: made, name: NAME, recommended: { stepScale: 1.5 } });
    const { nowcaster } = await import(pathToFileURL(join(made, 'networks.js')).href);
    expect(nowcaster).toMatchObject({ spec: PAPER_SPEC, recommended: { start: 7, period: 5, stepScale: 1.5 } });
  });

  test('makes tf.loadLayersModel open the exported model.json', () => {
    const script = `
      import '@tensorflow/tfjs-backend-cpu';
      import { readFileSync } from 'node:fs';
      import * as tf from '@tensorflow/tfjs-core';
      import * as tfl from '@tensorflow/tfjs-layers';
      tf.enableProdMode();
      const folder = process.argv[2];
      const load = () => tfl.loadLayersModel({ load: async () => {
        const { modelTopology, weightsManifest: [{ paths, weights }] } = JSON.parse(readFileSync(folder + '/model.json', 'utf8'));
        return { modelTopology, weightSpecs: weights, weightData: new Uint8Array(readFileSync(folder + '/' + paths[0])).buffer };
      } });
      const refused = await load().then(() => false, () => true);
      await import('${NAME}');
      const model = await load();
      const output = model.predict([tf.tensor2d([[0, 0.1, 0.2, 0.3, 0.4]]), tf.tensor2d([[0.1, 0.1, 0.1, 0.1]])]);
      console.log(JSON.stringify({ refused, output: output.dataSync()[0] }));
    `;
    writeFileSync(join(project, 'open.mjs'), script);
    const { refused, output } = JSON.parse(run('node', ['open.mjs', join(root, 'weights/tfjs/conv')], project));
    const window = Float32Array.of(0, 0.1, 0.2, 0.3, 0.4);
    expect(refused).toBe(true);
    expect(output).toBeCloseTo(referenceForward(PAPER_SPEC, parametersOf(PAPER_SPEC, 'conv'), window, 1)[0], 6);
  });

  test('is shaken: who imports one small function does not carry networks or kernels', async () => {
    const bundle = async (name: string) => {
      const { outputFiles } = await build({
        stdin: { contents: `import { ${name} } from '${NAME}'; console.log(${name});`, resolveDir: project },
        bundle: true,
        format: 'esm',
        minify: true,
        write: false,
        external: ['@tensorflow/*'],
      });
      return outputFiles[0].contents.length;
    };
    expect(await bundle('weightForecasting')).toBeGreaterThan(150_000);
    expect(await bundle('fetchSource')).toBeLessThan(5_000);
  });

  test('has types that a strict project compiles against', () => {
    writeFileSync(
      join(project, 'use.ts'),
      `import { nowcaster, type WeightForecasting, weightForecasting } from '${NAME}';
       const callback: WeightForecasting = weightForecasting({ period: 5, kinds: ['fc'] });
       const length: number = nowcaster.spec.inputLength + callback.period;
       // @ts-expect-error: an option that does not exist
       weightForecasting({ perod: length });`,
    );
    const options = ['--strict', '--noEmit', '--module', 'nodenext', '--target', 'es2022', '--skipLibCheck', 'false'];
    // tfjs's own declarations do not compile everywhere, so only ours are looked at.
    const tsc = join(nodeModules, 'typescript/bin/tsc');
    let errors = '';
    try {
      run(process.execPath, [tsc, ...options, '--types', '', 'use.ts'], project);
    } catch (error) {
      errors = (error as { stdout: string }).stdout;
    }
    expect(errors.split('\n').filter((line) => /^(use\.ts|node_modules\/@someone)/.test(line))).toEqual([]);
  });
});

describe('what npm would refuse is refused here', () => {
  for (const [name, message] of [
    ['Upper', /npm takes no package called "Upper": --name/],
    ['../x', /npm takes no package called/],
    ['', /npm takes no package called ""/],
  ] as const) {
    test(JSON.stringify(name), async () => {
      const to = join(root, 'refused');
      await expect(exportPackage({ format: 'npm', from: join(root, 'weights'), to, name })).rejects.toThrow(message);
    });
  }

  test('a directory that is not empty, a version that is none', async () => {
    const from = join(root, 'weights');
    await expect(exportPackage({ format: 'npm', from, to: project, name: NAME })).rejects.toThrow(
      /the directory is not empty/,
    );
    await expect(
      exportPackage({ format: 'npm', from, to: join(root, 'x'), name: NAME, version: 'new' }),
    ).rejects.toThrow(/not a version: new: --package-version/);
  });
});
