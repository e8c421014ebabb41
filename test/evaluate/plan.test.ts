import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parseMethod } from '../../src/evaluate/methods/registry.js';
import { writeNowcasterDirectory } from '../callback/nowcasterDirectory.js';
import { type PlanOptions, planJobs } from './planJobs.js';

const directory = mkdtempSync(join(tmpdir(), 'wnn-plan-'));
afterAll(() => rmSync(directory, { recursive: true }));

const base: PlanOptions = {
  tasks: ['mnist/lenet'],
  seeds: [1, 2],
  methods: [parseMethod('linear')],
  epochs: 5,
  batchSize: 32,
  optimizer: { name: 'adam', learningRate: 0.001 },
  engine: 'wasm',
};
const ids = (options: Partial<PlanOptions>) => planJobs({ ...base, ...options }).map(({ id }) => id);

describe('planJobs', () => {
  it('puts plain first for every seed and gives readable, unique ids', () => {
    const jobs = planJobs({ ...base, tasks: ['mnist/lenet', 'mnist/mlp'] });
    expect(jobs.map(({ task, seed, method }) => `${task} ${seed} ${method.name}`)).toEqual([
      'mnist/lenet 1 plain',
      'mnist/lenet 1 linear',
      'mnist/lenet 2 plain',
      'mnist/lenet 2 linear',
      'mnist/mlp 1 plain',
      'mnist/mlp 1 linear',
      'mnist/mlp 2 plain',
      'mnist/mlp 2 linear',
    ]);
    expect(new Set(jobs.map(({ id }) => id)).size).toBe(8);
    for (const { id } of jobs) expect(id).toMatch(/^mnist-(lenet|mlp)_(plain|linear)_s\d_[0-9a-f]{8}$/);
  });

  it('keeps ids when nothing that matters changes, and changes them with every setting', () => {
    const [plain] = ids({});
    expect(ids({ methods: [] })[0]).toBe(plain);
    expect(ids({ optimizer: { name: 'adam', learningRate: 0.001, beta1: 0.9 } })).toEqual(ids({}));
    const changes: Partial<PlanOptions>[] = [
      { epochs: 6 },
      { batchSize: 64 },
      { trainExamples: 100 },
      { engine: 'auto' },
      { alone: true },
      { optimizer: { name: 'adam', learningRate: 0.002 } },
    ];
    for (const change of changes) expect(ids(change)[0]).not.toBe(plain);
  });

  it('tells nowcasters apart by content, not by place', () => {
    const first = join(directory, 'first');
    writeNowcasterDirectory(first);
    const id = ids({ methods: [parseMethod(`nowcaster:ours=${first}`)] })[1];
    const moved = join(directory, 'moved');
    renameSync(first, moved);
    expect(ids({ methods: [parseMethod(`nowcaster:ours=${moved}`)] })[1]).toBe(id);
    writeFileSync(join(moved, 'notes.txt'), 'not part of it');
    expect(ids({ methods: [parseMethod(`nowcaster:ours=${moved}`)] })[1]).toBe(id);
    writeFileSync(join(moved, 'tfjs', 'fc', 'weights.bin'), 'other weights');
    expect(ids({ methods: [parseMethod(`nowcaster:ours=${moved}`)] })[1]).not.toBe(id);
  });

  it('says what is wrong', () => {
    expect(() => planJobs({ ...base, tasks: ['mnist/lenett'] })).toThrow(/lenett/);
    expect(() => planJobs({ ...base, seeds: [] })).toThrow(/no seeds/);
    expect(() => planJobs({ ...base, seeds: [1.5] })).toThrow(/not a seed: 1.5/);
    expect(() => planJobs({ ...base, epochs: 0 })).toThrow(/epochs must be/);
    expect(() => planJobs({ ...base, methods: [...base.methods, ...base.methods] })).toThrow(/two methods of one name/);
    expect(() => parseMethod('cubic')).toThrow(/unknown method: cubic; known: .*linear, quadratic/);
    expect(() => parseMethod(`nowcaster:ours=${join(directory, 'nowhere')}`)).toThrow(/no nowcaster: .*nowhere/);
    expect(() => parseMethod('linear:5')).toThrow(/takes nothing more: linear:5; give linear/);
    expect(() => parseMethod('introspection')).toThrow(/needs STORE: introspection; give introspection:STORE/);
    const spaced = join(directory, 'a b');
    writeNowcasterDirectory(spaced);
    for (const name of ['plain', 'linear']) {
      expect(() => parseMethod(`nowcaster:${name}=${spaced}`)).toThrow(/not a name/);
    }
    expect(() => parseMethod(`nowcaster:${spaced}`)).toThrow(/not a name/);
  });
});
