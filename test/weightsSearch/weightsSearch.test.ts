// The search for weights: its filter against a plain loop in float64, and the settings that it refuses.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { measureAgreement } from '../../scripts/weightsSearch/agreement.js';
import { readSearch } from '../../scripts/weightsSearch/settings.js';
import { PAPER_SPEC } from '../../src/nowcaster/spec.js';
import { openShards } from '../../src/train/sampleShards.js';
import { randomNetworks, writeNowcasterDirectory } from '../callback/nowcasterDirectory.js';
import { referenceForward } from '../families/wnn/reference.js';
import { writeSamples } from '../train/fixtures.js';

const directory = mkdtempSync(join(tmpdir(), 'wnn-weights-search-'));
afterAll(() => rmSync(directory, { recursive: true }));

describe('measureAgreement', () => {
  it('is that of a plain loop over the farthest horizon, in units of the weights', async () => {
    const spec = { ...PAPER_SPEC, horizons: [2, 5] };
    const networks = randomNetworks(spec);
    const samples = join(directory, 'samples');
    const nowcaster = join(directory, 'nowcaster');
    const manifest = writeSamples(samples, { spec, val: [150, 80] });
    writeNowcasterDirectory(nowcaster, networks);
    const measured = await measureAgreement(nowcaster, samples);
    expect(Object.keys(measured)).toEqual(['conv', 'fc', 'bias']);
    for (const kind of ['conv', 'fc', 'bias'] as const) {
      const shards = openShards(samples, manifest, kind, 'val', spec);
      const pairs: [number, number][] = [];
      for (let i = 0; i < shards.rows.length; i++) {
        const { count, windows, targets, scales } = await shards.read(i);
        const outputs = referenceForward(spec, networks.parameters[kind], windows, count);
        for (let j = 0; j < count; j++) pairs.push([scales![j] * outputs[2 * j + 1], scales![j] * targets[2 * j + 1]]);
      }
      const sum = (value: (pair: [number, number]) => number) => pairs.reduce((all, pair) => all + value(pair), 0);
      const progress = sum(([y, t]) => y * t) / sum(([, t]) => t * t);
      const noise = Math.sqrt(sum(([y, t]) => (y - progress * t) ** 2) / sum(([, t]) => t * t));
      const cosine = sum(([y, t]) => y * t) / Math.sqrt(sum(([y]) => y * y) * sum(([, t]) => t * t));
      expect(pairs).toHaveLength(230);
      expect(measured[kind]!.progress).toBeCloseTo(progress, 4);
      expect(measured[kind]!.noise).toBeCloseTo(noise, 4);
      expect(measured[kind]!.cosine).toBeCloseTo(cosine, 4);
    }
  });
});

describe('readSearch', () => {
  const plan = join(directory, 'plan.yaml');
  const good = {
    recordings: { [plan]: 'data/runs' },
    tuning: [{ task: 'fashion-mnist/lenet?width=0.5', seeds: [1], evaluate: '' }],
    keep: 1,
    variants: [{ name: 'a', dataset: '', train: '', nowcast: [''] }],
  };
  const read = (change: object, tasks = ['mnist/lenet', 'mnist/mlp?width=0.5']) => {
    const path = join(directory, 'search.yaml');
    writeFileSync(plan, stringify({ tasks }));
    writeFileSync(path, stringify({ ...good, ...change }));
    return readSearch(path, 'small');
  };
  const tuning = (task: string) => ({ tuning: [{ task, seeds: [1], evaluate: '' }] });

  it('takes tasks that are neither recorded nor judged', () => {
    expect(read({})).toMatchObject({ ...good, compared: [] });
  });

  it('takes another size of a network that is recorded', () => {
    expect(read(tuning('mnist/mlp')).tuning[0].task).toBe('mnist/mlp');
  });

  it('refuses a network that is recorded, however it is written, and tasks of the suite at any size', () => {
    const recorded = ['mnist/cnn?width=0.5', 'text/gpt?depth=3&heads=2'];
    expect(() => read(tuning('mnist/simplenet?width=0.50'), recorded)).toThrow(/is one of the tasks that are recorded/);
    expect(() => read(tuning('text/gpt?heads=2&depth=3'), recorded)).toThrow(/is one of the tasks that are recorded/);
    expect(() => read(tuning('bible/gpt'))).toThrow(/bible\/gpt is one of the suite small/);
    expect(() => read({}, ['cifar10/cnn'])).toThrow(/cnn is one of the suite small/);
    expect(() => read({}, ['cifar10/simplenet?width=2'])).toThrow(/simplenet\?width=2 is one of the suite small/);
  });

  it('refuses settings that do not exist, and names that are there twice', () => {
    expect(() => read({ kept: 3 })).toThrow(/kept/);
    expect(() => read({ variants: [...good.variants, ...good.variants] })).toThrow(/two variants are called a/);
  });

  it('accepts those of the repository', () => {
    expect(readSearch('weights/search.yaml', 'small').variants.length).toBeGreaterThan(3);
  });
});
