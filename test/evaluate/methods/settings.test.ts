// The text of a method: settings read, named, checked, printed, and their way into runs.

import { describe, expect, it } from 'vitest';
import { packMethod, unpackMethod } from '../../../src/evaluate/methods/packing.js';
import {
  completeMethods,
  describeMethods,
  parseMethod,
  settingGroups,
} from '../../../src/evaluate/methods/registry.js';
import { choiceSetting, flagSetting, numberSetting } from '../../../src/evaluate/methods/setting.js';
import { checkSettings, nameSettings, readSettings, splitMethodText } from '../../../src/evaluate/methods/text.js';
import { planJobs } from '../planJobs.js';

const SETTINGS = {
  scale: numberSetting('a scale', { above: 0, to: 2, default: 1 }),
  window: numberSetting('a window', { from: 1, whole: true, default: 5 }),
  keep: flagSetting('whether to keep', false),
  rule: choiceSetting('a rule', ['near', 'far']),
};

const read = (text: string) => readSettings(splitMethodText(text).settings, SETTINGS, 'some');
const plan = { tasks: ['mnist/mlp'], seeds: [1], epochs: 2, batchSize: 20, engine: 'wasm' as const };
const optimizer = { name: 'adam', learningRate: 0.001 };

describe('the text of a method', () => {
  it('is a type, an argument and settings', () => {
    expect(splitMethodText('some:a=b:c?scale=0.5&keep=true')).toEqual({
      type: 'some',
      argument: 'a=b:c',
      settings: new Map([
        ['scale', '0.5'],
        ['keep', 'true'],
      ]),
    });
    expect(splitMethodText('some:what?dir?scale=1').argument).toBe('what?dir');
    expect(() => splitMethodText('some?scale')).toThrow(/not a setting: scale: some\?scale; give TYPE\?KEY=VALUE/);
    expect(() => splitMethodText('some?')).toThrow(/not a setting: \(empty\)/);
    expect(() => splitMethodText('some?scale=1&scale=2')).toThrow(/two values for the setting scale/);
  });

  it('gives values of their types, defaults filled in, in the order of the declarations', () => {
    expect(Object.entries(read('some?keep=true&scale=1e-1'))).toEqual([
      ['scale', 0.1],
      ['window', 5],
      ['keep', true],
    ]);
    expect(read('some?rule=far').rule).toBe('far');
  });

  it('has one horizon of a nowcaster, or several for equal parts of the training', () => {
    const horizonOf = (text: string) => parseMethod(`nowcaster:zoo?horizon=${text}`) as { horizon?: number | string };
    expect(horizonOf('10').horizon).toBe(10);
    expect(horizonOf('20+10+5')).toMatchObject({ horizon: '20+10+5', name: 'zoo+horizon20+10+5' });
    for (const bad of ['0', '10+', '10+x', '2.5'])
      expect(() => horizonOf(bad)).toThrow(/impossible horizon: .*; give a whole number from 1, or several: 20\+10\+5/);
  });

  it('names the near miss of a key and the range of a value', () => {
    expect(() => read('some?scal=1')).toThrow(/unknown setting of some: scal; did you mean scale\? known: scale/);
    expect(() => read('some?scale=3')).toThrow(/impossible scale: some\?scale=3; give a number above 0 up to 2/);
    for (const bad of [
      'scale=0',
      'scale=',
      'scale=x',
      'scale=Infinity',
      'window=1.5',
      'window=0',
      'keep=yes',
      'rule=x',
    ])
      expect(() => read(`some?${bad}`)).toThrow(/impossible/);
  });

  it('is checked on coming from a queue', () => {
    const good = { type: 'some', scale: 0.5, window: 3, keep: true };
    expect(checkSettings(good, SETTINGS)).toEqual({ scale: 0.5, window: 3, keep: true });
    for (const bad of [{ scale: 3 }, { scale: '0.5' }, { window: undefined }, { keep: 'true' }, { rule: ['near'] }])
      expect(checkSettings({ ...good, ...bad }, SETTINGS)).toBeNull();
  });

  it('makes a legible name', () => {
    const declared = { ...SETTINGS, other: flagSetting('another') };
    expect(nameSettings({ scale: 0.5, keep: true, other: false, rule: 'step:1/2' }, declared)).toBe(
      '+scale0.5+keep+no-other+rulestep-1-2',
    );
  });
});

describe('settings of all methods', () => {
  it('name a method, set its rate, and tell its runs apart', () => {
    const methods = ['plain?name=nothing', 'plain?learningRate=0.0001', 'linear?learningRate=3e-3'].map(parseMethod);
    expect(methods).toMatchObject([
      { type: 'plain', name: 'nothing' },
      { type: 'plain', name: 'plain+learningRate0.0001', learningRate: 0.0001 },
      { type: 'linear', name: 'linear+learningRate0.003', learningRate: 0.003 },
    ]);
    const jobs = planJobs({ ...plan, methods, optimizer });
    expect(jobs.map(({ method }) => method.name)).toEqual(['plain', ...methods.map(({ name }) => name)]);
    expect(jobs.map((job) => job.optimizer.learningRate)).toEqual([0.001, 0.001, 0.0001, 0.003]);
    expect(new Set(jobs.map(({ id }) => id)).size).toBe(4);
    expect(jobs[2].id).toMatch(/^mnist-mlp_plain\+learningRate0.0001_s1_[0-9a-f]{8}$/);
  });

  it('change the baseline only under its own name', () => {
    const names = (...texts: string[]) => completeMethods(texts.map(parseMethod)).map(({ name }) => name);
    expect(names('linear', 'plain')).toEqual(['plain', 'linear']);
    const [baseline, linear] = completeMethods(['linear', 'plain?learningRate=1&name=plain'].map(parseMethod));
    expect([baseline.learningRate, linear.name]).toEqual([1, 'linear']);
    expect(completeMethods([baseline, linear])).toEqual([baseline, linear]);
    expect(() => names('plain', 'plain?learningRate=1&name=plain')).toThrow(/two methods of one name: plain/);
    expect(() => names('linear?name=a', 'quadratic?name=a')).toThrow(/two methods of one name: a/);
    for (const name of ['quadratic', 'a b', '', '../a'])
      expect(() => names(`linear?name=${name}`)).toThrow(/not a name/);
  });

  it('stand in the report, with a text that parses to the same method', async () => {
    const methods = ['plain', 'linear?learningRate=0.01', 'quadratic?name=q', 'plain?learningRate=0.1&name=p'];
    const described = await describeMethods(methods.map(parseMethod));
    expect(described.map(({ about }) => about.command)).toEqual(methods);
    expect(described.map(({ about }) => about.baseline)).toEqual([true, false, false, false]);
    expect(described[1].about.sentence).toMatch(/, learningRate 0.01$/);
  });

  it('are listed once, with all methods that share them', () => {
    const [common, ...groups] = settingGroups();
    expect(common.types).toEqual([]);
    expect(common.settings.map(({ key }) => key)).toEqual(['name', 'learningRate', 'schedule', 'validate']);
    expect(common.settings[1].describe).toMatch(/^learning rate in place of .*: a number above 0$/);
    const watching = groups.filter(({ settings }) => settings.some(({ key }) => key === 'watch'));
    expect(watching).toHaveLength(1);
    expect(watching[0].types).toEqual(expect.arrayContaining(['linear', 'mean-linear', 'nowcaster']));
    const cadences = groups.filter(({ settings }) => settings.some(({ key }) => key === 'cadence'));
    expect(cadences.map(({ types }) => types.includes('mean-linear'))).toEqual([false, true]);
  });

  it('pass a queue only as a plan makes them', () => {
    const path = (name: string) => name;
    const method = parseMethod('linear?learningRate=0.01&name=a+b');
    expect(unpackMethod(packMethod(method, path), path)).toEqual(method);
    for (const bad of [{ learningRate: -1 }, { learningRate: '0.01' }, { name: 'plain' }, { name: 'a/b' }, { name: 1 }])
      expect(unpackMethod({ ...method, ...bad }, path)).toBeNull();
    expect(unpackMethod({ ...method, further: 1 }, path)).not.toHaveProperty('further');
  });
});
