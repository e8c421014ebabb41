// Evaluations with worker processes, so from the built code.

import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { evaluate } from '../../dist/evaluate/index.js';
import type { EvaluateOptions, RunRecord } from '../../src/evaluate/index.js';
import { parseMethod } from '../../src/evaluate/methods/registry.js';
import { DEFAULT_KINDS, networkOf } from '../../src/nowcaster/spec.js';
import type { ProgressEvent } from '../../src/progress.js';
import { writeReport } from '../../src/report/index.js';
import { randomNetworks, writeNowcasterDirectory } from '../callback/nowcasterDirectory.js';

const directory = mkdtempSync(join(tmpdir(), 'wnn-evaluate-'));
const out = join(directory, 'out');
const runs = join(out, 'runs');
afterAll(() => rmSync(directory, { recursive: true }));

let options: EvaluateOptions;
beforeAll(() => {
  const nowcaster = join(directory, 'random');
  writeNowcasterDirectory(nowcaster);
  options = {
    out,
    tasks: ['mnist/lenet'],
    seeds: [7],
    // Six epochs are too few for a watch.
    methods: [
      parseMethod('linear?watch=off&name=linear'),
      parseMethod(`nowcaster:ours=${nowcaster}?watch=off&name=ours`),
    ],
    epochs: 6,
    batchSize: 50,
    trainExamples: 100,
    validationExamples: 50,
    engine: 'wasm',
    workers: 1,
    targets: [0.05, 1],
  };
});

const recordOf = (method: string): RunRecord => {
  const file = readdirSync(runs).find((name) => name.includes(`_${method}_`));
  return JSON.parse(readFileSync(join(runs, file!), 'utf8'));
};

describe('evaluate', () => {
  it('trains all methods from the same start, and they part at the first nowcast', async () => {
    const events: ProgressEvent[] = [];
    const result = await evaluate({ ...options, workers: 2, onProgress: (event) => events.push(event) });
    expect([result.trained, result.kept]).toEqual([3, 0]);
    expect(events.at(-1)).toMatchObject({ done: 18, total: 18, unit: 'epochs' });
    const [plain, linear, ours] = ['plain', 'linear', 'ours'].map(recordOf);
    for (const metric of ['loss', 'val_loss', 'val_acc']) {
      expect(plain.metrics[metric].length).toBe(6);
      expect(linear.metrics[metric].slice(0, 5)).toEqual(plain.metrics[metric].slice(0, 5));
      expect(ours.metrics[metric].slice(0, 5)).toEqual(plain.metrics[metric].slice(0, 5));
    }
    expect(linear.metrics.val_loss[5]).not.toBe(plain.metrics.val_loss[5]);
    expect(ours.metrics.val_loss[5]).not.toBe(linear.metrics.val_loss[5]);
    expect(plain.nowcasts).toEqual([]);
    expect(ours.nowcasts).toMatchObject([{ epoch: 4, outcome: 'kept', probation: null }]);
    expect(ours.nowcasts[0].scalars.conv).toBeGreaterThan(100);
    expect(ours.seconds).toEqual([...ours.seconds].sort((a, b) => a - b));

    expect(result.tasks[0].methods.map(({ name }) => name)).toEqual(['plain', 'linear', 'ours']);
    expect(result.tasks[0].methods[0].best.mean).toBe(Math.max(...(plain.metrics.val_acc as number[])));
    expect(result.tasks[0].targets.slice(4)).toMatchObject([{ value: 0.05 }, { value: 1 }]);
    expect(result.tasks[0].methods[2].targets.slice(4)).toMatchObject([{ reached: 1 }, { reached: 0 }]);
    const { file, trained, kept, ...stored } = result;
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(stored);
  });

  it('finds a damaged nowcaster before it trains anything', async () => {
    const [damaged, place] = [join(directory, 'damaged'), join(directory, 'not-begun')];
    writeNowcasterDirectory(damaged);
    truncateSync(join(damaged, 'tfjs/fc/weights.bin'), 100);
    const events: ProgressEvent[] = [];
    const methods = [parseMethod(`nowcaster:${damaged}`)];
    const attempt = evaluate({ ...options, out: place, methods, onProgress: (event) => events.push(event) });
    await expect(attempt).rejects.toThrow(/100 bytes, its manifest says.*damaged\/tfjs\/fc/);
    expect([events, existsSync(join(place, 'runs'))]).toEqual([[], false]);
  });

  it.each([
    ['nowcaster:%?kinds=norm', /no forecasts of norm.*give some of conv, fc, bias/],
    ['nowcaster:%?horizon=3', /horizon 3/],
    ['mean-linear?period=20', /multiple of 8: period 20/],
    ['linear?watch=off&stepScale=adaptive', /the watch is off/],
  ])('refuses %s, settings that contradict, before it trains anything', async (text, message) => {
    const [ours, place] = [join(directory, 'whole'), join(directory, 'never-begun')];
    writeNowcasterDirectory(ours);
    const methods = [parseMethod(text.replace('%', ours))];
    await expect(evaluate({ ...options, out: place, methods })).rejects.toThrow(message);
    expect(existsSync(join(place, 'runs'))).toBe(false);
  });

  it('keeps what is there, and makes what is missing again as it was', async () => {
    const before = recordOf('ours');
    const again = await evaluate(options);
    expect([again.trained, again.kept]).toEqual([0, 3]);
    rmSync(join(runs, `${before.id}.json`));
    const repaired = await evaluate(options);
    expect([repaired.trained, repaired.kept]).toEqual([1, 2]);
    expect(recordOf('ours').metrics).toEqual(before.metrics);
  });

  it('goes without the forecast errors of runs whose sampled weights are not there, and says so', async () => {
    const store = join(out, 'trajectories');
    renameSync(store, `${store}-kept`);
    const notes: string[] = [];
    const { trained, tasks } = await evaluate({ ...options, onNote: (note) => notes.push(note) });
    rmSync(store, { recursive: true, force: true });
    renameSync(`${store}-kept`, store);
    expect(trained).toBe(0);
    expect(tasks[0].forecastErrors).toEqual([]);
    expect(notes).toContainEqual(expect.stringMatching(/^forecast errors are without 1 run, not in .*trajectories$/));
    expect((await evaluate(options)).tasks[0].forecastErrors.length).toBeGreaterThan(0);
  });

  it('lets an evaluation grow, and refuses to replace it by another one', async () => {
    const file = join(out, 'results.json');
    const before = readFileSync(file, 'utf8');
    const attempts: [Partial<EvaluateOptions>, RegExp][] = [
      [{ epochs: 7 }, /epochs 6, now 7/],
      [{ tasks: ['mnist/mlp'] }, /task mnist\/lenet, now without it/],
      [{ seeds: [8] }, /seed 7, now without it/],
      [{ methods: [parseMethod('linear')] }, /method ours, now without it/],
      [{ tune: { trials: 2 } }, /tuning null, now trials 2 seeds 1000001/],
      [{ alone: true, workers: undefined }, /alone false, now true/],
      [
        { optimizer: { name: 'sgd', learningRate: 0.1 } },
        /optimizer name adam learningRate 0\.001.*, now name sgd learningRate 0\.1/,
      ],
    ];
    for (const [change, message] of attempts) {
      const attempt = evaluate({ ...options, ...change });
      await expect(attempt).rejects.toThrow(message);
      await expect(attempt).rejects.toThrow(/other settings: .*give another --out/);
    }
    const other = join(directory, 'other', 'random');
    const networks = randomNetworks();
    networks.parameters.fc[0] += 1;
    writeNowcasterDirectory(other, networks);
    const replaced = evaluate({ ...options, methods: [options.methods[0], parseMethod(`nowcaster:ours=${other}`)] });
    await expect(replaced).rejects.toThrow(/another ours/);
    expect(readFileSync(file, 'utf8')).toBe(before);
    writeReport({ directory: out });
    const notes: string[] = [];
    const methods = [...options.methods, parseMethod('quadratic')];
    const grown = await evaluate({ ...options, methods, onNote: (note) => notes.push(note) });
    expect(notes.join('\n')).toMatch(/report\.html shows older results; `wnn report .*out`/);
    expect([grown.trained, grown.kept]).toEqual([1, 3]);
    expect(grown.methods.map(({ name }) => name)).toEqual(['plain', 'linear', 'ours', 'quadratic']);
  });

  it('goes back from nowcasts that do not pay, at most as far as the budget allows, and says so', async () => {
    // The answer to every window is 1: all weights go up, ten times as far as the nowcaster can say.
    const networks = randomNetworks();
    const { head } = Object.fromEntries(networkOf(networks.spec).layers.map((layer) => [layer.name, layer]));
    for (const kind of DEFAULT_KINDS) networks.parameters[kind][head.bias] = 50;
    const place = join(directory, 'up');
    writeNowcasterDirectory(place, networks);
    const methods = [parseMethod(`nowcaster:up=${place}?stepScale=10&budget=0.15&name=up`)];
    const result = await evaluate({ ...options, methods, epochs: 14, out: join(directory, 'watched') });
    const file = readdirSync(join(directory, 'watched', 'runs')).find((name) => name.includes('_up_'));
    const { nowcasts, metrics }: RunRecord = JSON.parse(
      readFileSync(join(directory, 'watched', 'runs', file!), 'utf8'),
    );
    expect(nowcasts[0]).toMatchObject({ snapshot: 4, outcome: 'reverted', probation: { verdict: 'reverted' } });
    const { snapshots, bytes } = nowcasts[0].probation!;
    // Weights, and two moments and the count of Adam.
    const [, up] = result.tasks[0].methods;
    expect(bytes).toBe(4 * (3 * up.scalarsPerNowcast! + 1));
    const back = 5 + snapshots;
    expect(metrics.loss[back]!).toBeLessThan(metrics.loss[back - 1]!);
    expect(metrics.loss[back]!).toBeLessThan(metrics.loss[0]!);
    expect(up.nowcasts!.discarded).toBeLessThanOrEqual(0.15 * 14);
    expect(up.nowcasts!.reverted).toBeGreaterThan(0);
  });

  it('refuses files that it cannot trust', async () => {
    rmSync(join(out, 'results.json'));
    const path = join(runs, `${recordOf('plain').id}.json`);
    const good = readFileSync(path);
    writeFileSync(path, good.subarray(0, 100));
    await expect(evaluate(options)).rejects.toThrow(/not a JSON file: .*_plain_.*; delete it/);
    writeFileSync(path, '{"schemaVersion": 99}');
    await expect(evaluate(options)).rejects.toThrow(/schema version 99, this version reads 2: .*_plain_/);
    writeFileSync(path, good);
  });

  it('stops when aborted and leaves no half-written file', async () => {
    const abort = new AbortController();
    const elsewhere = join(directory, 'aborted');
    const started = evaluate({
      ...options,
      out: elsewhere,
      epochs: 500,
      signal: abort.signal,
      onProgress: ({ done }) => done > 0.1 && abort.abort(),
    });
    await expect(started).rejects.toThrow(/abort/i);
    expect(existsSync(join(elsewhere, 'runs')) ? readdirSync(join(elsewhere, 'runs')) : []).toEqual([]);
  });

  it('names images that are not there', async () => {
    const missing = { ...options, out: join(directory, 'missing'), tasks: ['fashion-mnist/mlp'] };
    await expect(evaluate({ ...missing, images: join(directory, 'nothing') })).rejects.toThrow(/nothing.*wnn data get/);
  });
});
