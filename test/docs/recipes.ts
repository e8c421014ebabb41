// How the code blocks of the docs are run, in a project that has the packed toolkit: what stands around the code of a block, and
// what must come of it.

import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { makeSafetensors, put } from '../collect/import/makeFiles.js';
import { ROOT } from '../package/packed.js';
import { runPythonBlock } from './python.js';

/** What runs a block. */
export interface Recipe {
  /** Takes a minute or more: run by `npm run verify:docs`. */
  long?: true;
  /**
   * Runs the code.
   *
   * @param directory of the project.
   */
  run(code: string, directory: string): void;
}

/** Runs shell commands; `npx` is left out, since it takes longer to start than the command. */
function shell(code: string, directory: string): string {
  const path = `${join(directory, 'node_modules/.bin')}:${process.env.PATH}`;
  const { status, stdout, stderr } = spawnSync('bash', ['-euc', `npx() { "$@"; }\n${code}`], {
    cwd: directory,
    encoding: 'utf8',
    env: { ...process.env, PATH: path },
  });
  expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
  return stdout;
}

/** Runs a module between two others' lines. */
function module(directory: string, before: string, code: string, after: string): void {
  const file = join(directory, `block-${readdirSync(directory).length}.js`);
  const text = `import '@tensorflow/tfjs-backend-cpu';
    import * as core from '@tensorflow/tfjs-core';
    import * as layers from '@tensorflow/tfjs-layers';
    const tf = { ...core, ...layers };
    await tf.setBackend('cpu');
    const must = (condition) => { if (!condition) throw new Error('not as promised'); };
    ${before}\n${code}\n${after}`;
  writeFileSync(file, text);
  execFileSync(process.execPath, [file], { cwd: directory, encoding: 'utf8', stdio: 'pipe' });
}

/** A model to fit. */
const MODEL = `
  const model = tf.sequential({ layers: [tf.layers.dense({ units: 3, inputShape: [4] })] });
  model.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
  const [x, y] = [tf.ones([8, 4]), tf.ones([8, 3])];`;

/** Puts checkpoints where the docs import them from, with the log of their job, and removes what was imported before. */
function putCheckpoints(directory: string): void {
  rmSync(join(directory, 'data/trajectories'), { recursive: true, force: true });
  const to = join(directory, 'checkpoints');
  for (let epoch = 0; epoch < 3; epoch++)
    put(
      join(to, `epoch-${epoch}.safetensors`),
      makeSafetensors({
        'dense/kernel': [
          [2, 1],
          [epoch, 1],
        ],
      }),
    );
  put(join(to, 'log.csv'), 'epoch,loss\n0,3\n1,2\n2,1\n');
}

/** Puts the shipped nowcaster where the docs have one's own. */
function putNowcaster(directory: string, name: string): void {
  const to = join(directory, name);
  if (!existsSync(to)) cpSync(join(ROOT, 'weights/zoo'), to, { recursive: true });
}

/** The commands of a block that shows them with their output: its lines after `$`. */
const commandsOf = (code: string) =>
  code
    .split('\n')
    .filter((line) => line.startsWith('$ '))
    .map((line) => line.slice(2))
    .join('\n');

export const RECIPES: Record<string, Recipe> = {
  fit: {
    run: (code, directory) =>
      module(directory, MODEL, code, "must(nowcasting.history[0]?.outcome === 'kept'); await nowcasting.dispose();"),
  },
  'whole script': {
    run(code, directory) {
      const file = join(directory, 'script.js');
      // The project of the tests has the packages that `@tensorflow/tfjs` stands for.
      const together = `import '@tensorflow/tfjs-backend-cpu';
        import * as core from '@tensorflow/tfjs-core';
        import * as layers from '@tensorflow/tfjs-layers';
        const tf = { ...core, ...layers };`;
      writeFileSync(file, code.replace("import * as tf from '@tensorflow/tfjs';", together));
      const out = execFileSync(process.execPath, [file], { cwd: directory, encoding: 'utf8', stdio: 'pipe' });
      expect(out).toMatch(/^5 (kept|reverted)/);
    },
  },
  'fit beside others': {
    run: (code, directory) =>
      module(
        directory,
        MODEL,
        code.replace("import * as tf from '@tensorflow/tfjs-layers';", ''),
        "must(nowcasting.history[0]?.outcome === 'kept'); await nowcasting.dispose();",
      ),
  },
  'stages from code': {
    long: true,
    run(code, directory) {
      const file = join(directory, 'stages.js');
      writeFileSync(file, code);
      const out = execFileSync(process.execPath, [file], { cwd: directory, encoding: 'utf8', stdio: 'pipe' });
      expect(out).toMatch(/'plain', [\d.]+/);
      expect(out).toMatch(/'mine', [\d.]+/);
    },
  },
  'counted snapshots': {
    run: (code, directory) =>
      module(
        directory,
        MODEL,
        code,
        "must(nowcasting.cadence.unit === 'step'); must(nowcasting.history.length > 1); await nowcasting.dispose();",
      ),
  },
  averages: {
    run(code, directory) {
      const data = 'const [xVal, yVal, xTest, yTest] = [x, y, x, y];';
      const after = 'must(history.averaged_val_loss.length === 50); averaged.dispose(); await nowcasting.dispose();';
      module(directory, `${MODEL}\n${data}`, code, after);
    },
  },
  'fit of a package': {
    run(code, directory) {
      const to = 'node_modules/mine';
      shell(
        `wnn export --from node_modules/weight-nowcaster/weights/zoo --to ${to} --format npm --name mine`,
        directory,
      );
      module(directory, MODEL, code.replace("'NAME'", "'mine'"), '');
    },
  },
  'loop of steps': {
    run(code, directory) {
      const before = `
        const variables = { 'dense/kernel': tf.variable(tf.ones([4, 3])) };
        const optimizer = tf.train.adam();
        const lossOf = (variables) => tf.mean(tf.square(variables['dense/kernel']));
        const steps = 60;`;
      module(directory, before, code, "must(nowcasting.history[0]?.outcome === 'kept'); await nowcasting.dispose();");
    },
  },
  record: {
    run(code, directory) {
      module(directory, MODEL, code, '');
      expect(shell('wnn inspect data/mine', directory)).toMatch(/complete +30\/30/);
    },
  },
  plan: { run: (code, directory) => writeFileSync(join(directory, 'plan.yaml'), code) },
  'dry run': {
    // The size that the text promises.
    run: (code, directory) => expect(shell(code, directory)).toMatch(/about 147 MB/),
  },
  import: {
    run(code, directory) {
      putCheckpoints(directory);
      expect(shell(code, directory)).toMatch(/complete +3/);
    },
  },
  'import from code': {
    run(code, directory) {
      putCheckpoints(directory);
      module(directory, '', code, "must(runs[0].status === 'complete');");
    },
  },
  'export weight files': {
    run(code, directory) {
      for (const [name, tag] of ['NWNN_%_13.h5', 'KNOWN_%.h5'].flatMap((name) =>
        ['Conv', 'FC', 'Bias'].map((kind) => [name, kind]),
      ))
        copyFileSync(join(ROOT, `weights/zoo/NWNN_${tag}_zoo.h5`), join(directory, name.replace('%', tag)));
      expect(shell(code, directory)).toContain('weights/known');
    },
  },
  'load the model': {
    run(code, directory) {
      putNowcaster(directory, 'weights/mine');
      module(
        directory,
        "import 'weight-nowcaster/callback';",
        code,
        "must(model.inputs.map(({ name }) => name).join() === 'values,differences');",
      );
    },
  },
  'layer of one’s own': {
    run(code, directory) {
      putNowcaster(directory, 'weights/mine');
      module(
        directory,
        '',
        code,
        'must(tf.serialization.SerializationMap.getMap().classNameMap.WnnExp[0] === WnnExp);',
      );
    },
  },
  tour: { long: true, run: (code, directory) => void shell(commandsOf(code), directory) },
  Python: {
    long: true,
    run(code, directory) {
      putNowcaster(directory, 'weights/zoo');
      runPythonBlock(code, directory, (commands) => void shell(commands, directory));
    },
  },
  evaluate: {
    long: true,
    run(code, directory) {
      putNowcaster(directory, 'weights/tour');
      shell(code, directory);
      expect(existsSync(join(directory, 'data/lenet/report.html'))).toBe(true);
    },
  },
};
