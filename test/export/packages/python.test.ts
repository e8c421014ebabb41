// The package as it is exported, tested by its own tests and used, with numpy alone; and against the toolkit's references.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createDefaultCompute } from '../../../src/callback/index.js';
import { exportPackage } from '../../../src/export/index.js';
import { goldenForecasts } from '../../../src/export/packages/golden.js';
import type { NowcasterSpec } from '../../../src/network/spec.js';
import { forecast } from '../../../src/nowcaster/forecast.js';
import { PAPER_SPEC } from '../../../src/nowcaster/spec.js';
import { TRAINING_RECORD_NAME } from '../../../src/nowcaster/trainingRecord.js';
import { tensorKind } from '../../../src/trajectory/kind.js';
import { TENSOR_KINDS } from '../../../src/trajectory/schema.js';
import { normalizeWindows } from '../../../src/windows/normalize.js';
import { referenceForward } from '../../families/wnn/reference.js';
import { findPython } from '../../python.js';
import { parametersOf, writeTraining } from '../trainingDirectory.js';

const python = findPython('numpy');
const tester = findPython('numpy', 'pytest');
const BY_STEPS = 'by steps';
const SPECS: [string, NowcasterSpec][] = [
  [BY_STEPS, { ...PAPER_SPEC, horizons: [10] }],
  ['the paper', PAPER_SPEC],
  ['several horizons', { ...PAPER_SPEC, inputLength: 3, horizons: [2, 7] }],
  ['no normalization', { ...PAPER_SPEC, normalization: 'none', residual: false }],
  ['scaled by the tensor', { ...PAPER_SPEC, normalization: 'tensor' }],
  ['WNN+', { ...PAPER_SPEC, family: 'wnn-plus', normalization: 'tensor', horizons: [5, 10], config: { width: 16 } }],
  ['one stream', { ...PAPER_SPEC, config: { streams: 'values', activation: 'relu' } }],
];

const root = mkdtempSync(join(tmpdir(), 'wnn-python-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const run = (command: string, args: string[], cwd: string) =>
  execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

async function make(name: string, spec?: NowcasterSpec): Promise<string> {
  const [training, to] = [join(root, `training-${name}`), join(root, name)];
  const record = writeTraining(training, spec);
  if (name === BY_STEPS) {
    record.dataset.cadence = { unit: 'step', every: 20 };
    writeFileSync(join(training, TRAINING_RECORD_NAME), JSON.stringify(record));
  }
  await exportPackage({ format: 'python', from: training, to, name: 'my-nowcaster', version: '1.2.3' });
  return to;
}

let made: string;
beforeAll(async () => {
  made = await make('package');
});

describe('the package', () => {
  test('is small, names itself as pip and Python do, and says where it comes from', async () => {
    const files = readdirSync(made, { recursive: true, encoding: 'utf8' }).filter((path) =>
      statSync(join(made, path)).isFile(),
    );
    // As pip downloads it: a wheel is a zip archive.
    const packed = files.map((path) => deflateRawSync(readFileSync(join(made, path))).length);
    expect(packed.reduce((sum, size) => sum + size, 0)).toBeLessThan(300_000);
    expect(files).toEqual(
      expect.arrayContaining([
        'LICENSE',
        ...['numpy.py', 'keras.py', 'py.typed'].map((path) => `my_nowcaster/${path}`),
      ]),
    );
    const project = readFileSync(join(made, 'pyproject.toml'), 'utf8');
    expect(project).toContain('name = "my-nowcaster"\nversion = "1.2.3"');
    expect(project).toContain('dependencies = ["numpy>=1.21"]');
    expect(project).toContain('packages = ["my_nowcaster", "my_nowcaster.tests"]');
    const readme = readFileSync(join(made, 'README.md'), 'utf8');
    expect(readme).toContain('from my_nowcaster.keras import WeightForecasting');
    expect(readme).toContain('| fc | 0.40000 | 0.30000 | 0.20000 | 500 |');
    expect(readme).toContain('| a | mnist | lenet | training |');
  });

  test('has the same bytes whenever it is made', async () => {
    const again = join(root, 'again');
    await exportPackage({
      format: 'python',
      from: join(root, 'training-package'),
      to: again,
      name: 'my-nowcaster',
      version: '1.2.3',
    });
    const read = (directory: string) =>
      readdirSync(directory, { recursive: true, encoding: 'utf8' })
        .filter((path) => /\.(py|toml|json|md)$/.test(path))
        .sort()
        .map((path) => [path, readFileSync(join(directory, path), 'utf8')]);
    expect(read(again)).toEqual(read(made));
  });

  test.skipIf(tester === undefined).each(SPECS)(
    'passes its own tests: %s (skipped without python3-numpy and python3-pytest)',
    async (name, spec) => {
      const directory = await make(name, spec);
      const options = [
        '-m',
        'pytest',
        '-q',
        '-p',
        'no:cacheprovider',
        '--deselect',
        'my_nowcaster/tests/test_keras.py',
      ];
      const report = run(tester as string, [...options, '--deselect', 'my_nowcaster/tests/test_torch.py'], directory);
      expect(report).toMatch(/\d+ passed/);
      expect(report).not.toMatch(/failed|error/);
    },
  );

  test.skipIf(python === undefined)('knows the kinds of tensors that the toolkit knows (skipped without numpy)', () => {
    const tensors: [string, number[]][] = [
      ['conv2d_1/kernel', [3, 3, 4, 8]],
      ['dense/kernel', [4, 8]],
      ['dense/bias:0', [8]],
      ['LayerNorm_0/scale', [8]],
      ['bn/moving_mean:0', [8]],
      ['batch_stats/post/var', [8]],
      ['conv1_bn_gamma', [8]],
      ['model/q_norm/bias', [8]],
      ['transformer.wpe.weight', [12, 8]],
      ['patch_embed.weight', [8, 3, 4, 4]],
      ['encoder.pos_embedding', [1, 5, 8]],
      ['h.0.attn.bias', [1, 1, 9, 9]],
      ['layers.1.weight', [8]],
      ['temperature', []],
    ];
    const code = `import json; from my_nowcaster._kinds import kind_of
print(json.dumps([kind_of(name, shape) for name, shape in json.loads(${JSON.stringify(JSON.stringify(tensors))})]))`;
    const kinds = JSON.parse(run(python as string, ['-c', code], made));
    expect(kinds).toEqual(tensors.map(([name, shape]) => tensorKind(name, shape)));
    expect(new Set(kinds)).toEqual(new Set(TENSOR_KINDS));
  });

  test.skipIf(python === undefined)('has modules that compile (skipped without numpy)', () => {
    const modules = ['keras.py', 'torch.py', 'tests/test_keras.py', 'tests/test_torch.py'];
    for (const path of modules) run(python as string, ['-m', 'py_compile', `my_nowcaster/${path}`], made);
  });
});

describe('golden forecasts', () => {
  test.each(SPECS.filter(([, { normalization }]) => normalization !== 'tensor'))(
    "are those of the family's own reference: %s",
    (_, spec) => {
      const parameters = { conv: parametersOf(spec, 'conv') };
      const { windows, forecasts } = goldenForecasts(spec, parameters).conv!;
      const { inputLength: length, horizons } = spec;
      const raw = Array.from({ length }, (_, i) => Float32Array.from(windows, (window) => window[i]));
      const normalized = new Float32Array(windows.length * length);
      const [origins, scales] = [new Float64Array(windows.length), new Float64Array(windows.length)];
      normalizeWindows(spec, raw, 0, windows.length, normalized, origins, scales);
      const outputs = referenceForward(spec, parameters.conv, normalized, windows.length);
      for (const [j, forecast] of forecasts.entries())
        for (const [h, value] of forecast.entries()) {
          const base = spec.residual ? normalized[j * length + length - 1] : 0;
          const expected = (base + outputs[j * horizons.length + h]) * scales[j] + origins[j];
          expect(Math.abs(value - expected)).toBeLessThan(2e-7 * Math.max(1, Math.abs(expected)));
        }
      expect(new Set(windows[0]).size).toBe(1);
    },
  );

  test('of a family that looks at tensors are what the toolkit forecasts', async () => {
    const [, spec] = SPECS.find(([name]) => name === 'WNN+')!;
    const kinds = ['conv', 'fc', 'bias'] as const;
    const parameters = Object.fromEntries(
      kinds.map((kind) => [kind, parametersOf(spec, kind).map((value) => 3 * value)]),
    );
    const golden = goldenForecasts(spec, parameters);
    const compute = await createDefaultCompute(spec);
    for (const kind of kinds) {
      const { tensor, windows, forecasts } = golden[kind]!;
      const history = Array.from({ length: spec.inputLength }, (_, i) => Float32Array.from(windows, (raw) => raw[i]));
      const tensors = [{ ...tensor, kind, offset: 0, size: windows.length }];
      for (const [h, horizon] of spec.horizons.entries()) {
        const out = new Float32Array(windows.length);
        await forecast(compute, parameters[kind], history, out, { horizon, tensors });
        for (const [j, value] of out.entries()) expect(Math.abs(value - forecasts[j][h])).toBeLessThan(1e-5);
      }
      expect(new Set(forecasts.map(([first]) => first.toFixed(6))).size).toBeGreaterThan(20);
    }
    await compute.dispose();
  });
});

describe('what pip or Python would refuse is refused here', () => {
  test.each([
    ['../x', /^pip takes no package called "\.\.\/x" that Python can import: --name; use letters/],
    ['1st', /^pip takes no package called "1st"/],
    ['', /^pip takes no package called ""/],
    ['numpy', /^a package called "numpy" would hide Python's own or what it needs: --name; /],
    ['class', /^a package called "class" would hide/],
  ])('%j', async (name, message) => {
    const to = join(root, 'refused');
    const from = join(root, 'training-package');
    await expect(exportPackage({ format: 'python', from, to, name })).rejects.toThrow(message);
    expect(existsSync(to)).toBe(false);
  });

  test('a version that is none of PEP 440, a kind of package that is not known', async () => {
    const options = { from: join(root, 'training-package'), to: join(root, 'x'), name: 'mine' };
    await expect(exportPackage({ ...options, format: 'python', version: '1.0.0-beta.1' })).rejects.toThrow(
      /^not a version: 1\.0\.0-beta\.1: --package-version; /,
    );
    await expect(exportPackage({ ...options, format: 'gem' })).rejects.toThrow(
      /^no package is of kind gem: --format; /,
    );
  });
});
