import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CorruptFileError } from '../../src/errors.js';
import { writeRunRecord } from '../../src/evaluation/files.js';
import {
  EVALUATION_SCHEMA_VERSION,
  type EvaluationForecasts,
  type EvaluationResults,
  type ForecastErrors,
  type ForecastExamples,
  type RunRecord,
} from '../../src/evaluation/schema.js';
import { averageCourse } from '../../src/report/courses.js';
import { writeReport } from '../../src/report/index.js';
import {
  OURS,
  syntheticJobs,
  syntheticPlan,
  syntheticRecord,
  syntheticRecords,
  syntheticResults,
} from '../evaluate/syntheticRuns.js';

const directory = mkdtempSync(join(tmpdir(), 'wnn-report-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** Writes an evaluation as `wnn evaluate` does, with runs of known metrics. */
function writeEvaluation(
  out: string,
  seeds: number[],
  make: (job: ReturnType<typeof syntheticJobs>[number]) => RunRecord | null,
  epochs = 20,
): void {
  const plan = syntheticPlan(seeds, epochs);
  const records = syntheticRecords(plan, make);
  for (const record of records.values()) writeRunRecord(out, record);
  const errors: ForecastErrors[] = ['no change', 'linear', 'ours'].map((method, m) => ({
    method,
    kind: 'conv',
    horizon: 5,
    epochs: [4, 5, 6],
    byEpoch: [0.5 - 0.1 * m, 0.45 - 0.1 * m, null],
    mean: 0.5,
    windows: 30,
  }));
  const examples: ForecastExamples[] = [
    {
      kind: 'conv',
      epochs: [4, 5, 6, 7],
      windows: [4, 5, 6, 7].map((e) => [0, 0.1, 0.2, 0.3, e / 14]),
      residuals: [4, 5, 6, 7].map((e) => [0.1, 0.2, 0.3, 0.3, e / 20]),
      forecasts: ['linear', 'ours'].map((method, m) => ({
        method,
        horizon: 5,
        residuals: [0.1, 0.2, 0.3, 0.4 + m / 10],
      })),
    },
  ];
  const heldOut = { conv: { noChange: 0.6, linear: 0.5, own: 0.3 } };
  const made = syntheticResults(plan, records, { targets: [0.5], newBestsAfter: 8 });
  const results = {
    ...made,
    methods: [
      { type: 'plain', name: 'plain', about: { sentence: 'as it is', command: 'plain', baseline: true } },
      { type: 'linear', name: 'linear', about: { sentence: 'a line', command: 'linear', baseline: false } },
      {
        ...OURS,
        about: {
          sentence: 'a nowcaster',
          command: 'nowcaster:ours=/no where',
          baseline: false,
          training: 'trained on 1 runs',
          heldOut,
        },
      },
    ],
    tasks: made.tasks.map((task) => ({ ...task, forecastErrors: errors })),
  } satisfies EvaluationResults;
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, 'results.json'), JSON.stringify(results));
  const forecasts: EvaluationForecasts = {
    schemaVersion: EVALUATION_SCHEMA_VERSION,
    tasks: [{ task: 'mnist/lenet', examples }],
  };
  writeFileSync(join(out, 'forecasts.json'), JSON.stringify(forecasts));
}

const rising = (epochs: number, step: number) =>
  Array.from({ length: epochs }, (_, i) => Math.min(0.95, step * (i + 1)));
const good = join(directory, 'good');

beforeAll(() => {
  writeEvaluation(good, [1, 2, 3], (job) => {
    const kept = {
      snapshot: 4,
      epoch: 4,
      outcome: 'kept',
      reason: null,
      scalars: { conv: 1, fc: 1, bias: 1 },
      seconds: 0.1,
    } as const;
    const nowcasts = [{ ...kept, stepScale: 1, probation: null }];
    if (job.method.name === 'ours') return syntheticRecord(job, rising(20, 0.08 + job.seed / 100), 1, { nowcasts });
    return syntheticRecord(job, rising(20, 0.04 + job.seed / 1000));
  });
});

describe('averageCourse', () => {
  it('gives mean and extremes over the seeds that have a value', () => {
    const [job] = syntheticJobs([1], 3);
    const runs = [syntheticRecord(job, [0.2, 0.4, 0.6], 2), syntheticRecord(job, [0.4, null], 4)];
    expect(averageCourse(runs, 'val_acc')).toEqual([
      { epoch: 1, seconds: 3, mean: 0.30000000000000004, low: 0.2, high: 0.4 },
      { epoch: 2, seconds: 4, mean: 0.4, low: 0.4, high: 0.4 },
      { epoch: 3, seconds: 6, mean: 0.6, low: 0.6, high: 0.6 },
    ]);
    expect(averageCourse([], 'val_acc')).toEqual([]);
  });
});

describe('writeReport', () => {
  it('puts the metrics of the evaluation on one self-contained page', () => {
    const { file, charts, bytes } = writeReport({ directory: good });
    const page = readFileSync(file, 'utf8');
    expect(bytes).toBe(Buffer.byteLength(page));
    expect(page.match(/<svg/g)!.length).toBe(charts);
    expect(charts).toBe(10);
    expect(page).toContain('×2.');
    expect(page).toContain('95% interval');
    expect(page).toContain('wnn evaluate --task mnist/lenet --seed 1,2,3 --epochs 20');
    expect(page).toContain('--method &#39;linear,nowcaster:ours=/no where&#39;');
    expect(page).not.toMatch(/<script|https?:\/\/(?!www\.w3\.org)|NaN|undefined/);
  });

  it('states what is missing: one seed, divergence, nothing reached, no forecasts', () => {
    const out = join(directory, 'poor');
    writeEvaluation(
      out,
      [7],
      (job) => {
        if (job.method.name === 'ours') return syntheticRecord(job, [null], 1, { status: 'diverged' });
        return job.method.name === 'linear' ? null : syntheticRecord(job, [0.1, 0.2, 0.3]);
      },
      3,
    );
    rmSync(join(out, 'forecasts.json'));
    const { file } = writeReport({
      directory: out,
      out: join(directory, 'poor.html'),
      title: 'A <poor> one',
      note: 'Made <in> haste',
    });
    const page = readFileSync(file, 'utf8');
    expect(page).toContain('A &lt;poor&gt; one');
    for (const said of [
      'Made &lt;in&gt; haste',
      'One seed only',
      'training diverged with seed 7',
      'linear: no finished runs',
      'not reached',
    ])
      expect(page).toContain(said);
    expect(page).not.toMatch(/NaN|undefined|Infinity/);
  });

  it('cuts a loss off that runs away, and says so; the same page each time', () => {
    const out = join(directory, 'runaway');
    writeEvaluation(out, [1], (job) => {
      const record = syntheticRecord(job, rising(20, 0.04));
      if (job.method.name === 'ours') record.metrics.val_loss[7] = 1e6;
      return record;
    });
    const read = () => readFileSync(writeReport({ directory: out }).file, 'utf8');
    const page = read();
    expect(page.match(/is cut off/g)).toHaveLength(2);
    expect(page).not.toContain('1,000,000');
    const ids = [...page.matchAll(/id="(clip-\d+)"/g)].map(([, id]) => id);
    expect(ids.length).toBeGreaterThan(0);
    expect(new Set(ids).size).toBe(ids.length);
    expect(read()).toBe(page);
  });

  it('draws the course of a training where it is at hand', () => {
    const training = join(directory, 'training');
    mkdirSync(join(training, 'conv'), { recursive: true });
    const lines = [1, 2, 3].map((epoch) => JSON.stringify({ epoch, validationError: 0.5 / epoch }));
    writeFileSync(join(training, 'conv', 'metrics.jsonl'), `${lines.join('\n')}\n`);
    const out = join(directory, 'with-training.html');
    const { charts } = writeReport({ directory: good, out, trainings: { ours: training } });
    expect(charts).toBe(11);
    writeFileSync(join(training, 'conv', 'metrics.jsonl'), '{"epoch"');
    expect(() => writeReport({ directory: good, out, trainings: { ours: training } })).toThrow(/metrics.jsonl/);
  });

  it('says in one line what is wrong with a directory', () => {
    const empty = join(directory, 'empty');
    expect(() => writeReport({ directory: empty })).toThrow(/no such directory: .*empty/);
    mkdirSync(empty);
    expect(() => writeReport({ directory: empty })).toThrow(/no evaluation: .*empty.*results.json/);
    const [job] = syntheticJobs([1], 3);
    writeRunRecord(empty, syntheticRecord(job, [0.1, 0.2, 0.3]));
    expect(() => writeReport({ directory: empty })).toThrow(/interrupted, with 1 finished runs.*run the same/);
    const broken = join(directory, 'broken');
    mkdirSync(broken);
    writeFileSync(join(broken, 'results.json'), '{"schemaVersion": 1}');
    expect(() => writeReport({ directory: broken })).toThrow(/schema version 1, this version reads 2/);
    writeFileSync(join(broken, 'results.json'), '{"schemaVersion": 2');
    expect(() => writeReport({ directory: broken })).toThrow(/not a JSON file/);
    expect(existsSync(join(broken, 'report.html'))).toBe(false);
  });
});

/** Ends attributes, text, titles, styles and scripts before it begins an element. */
const PAYLOAD = `"'></title></style></script></svg><script>window.harmed=1</script><img src=x onerror="window.harmed=2">`;

type Json = { [key: string]: Json } | Json[] | string | number | boolean | null;

/** Where a file holds strings or numbers: one place for each field, the first of each list. */
function leavesOf(value: Json, path: (string | number)[] = []): (string | number)[][] {
  if (typeof value === 'string' || typeof value === 'number') return [path];
  if (Array.isArray(value)) return value.length > 0 ? leavesOf(value[0], [...path, 0]) : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, entry]) => leavesOf(entry, [...path, key]));
}

const at = (value: Json, path: readonly (string | number)[]): Json =>
  path.reduce((part, key) => (part as Record<string | number, Json>)[key], value);

/** The same with other content at a place. */
function withAt(value: Json, [key, ...rest]: readonly (string | number)[], content: Json): Json {
  if (key === undefined) return content;
  const copy = structuredClone(value) as Record<string | number, Json>;
  copy[key] = withAt(copy[key], rest, content);
  return copy as Json;
}

describe('an evaluation that holds HTML', () => {
  const place = join(directory, 'harmful');
  const names = ['results.json', 'forecasts.json', 'runs'];
  const reset = () => {
    for (const name of names) cpSync(join(good, name), join(place, name), { recursive: true, force: true });
  };
  const harmless = (page: string) => expect(page).not.toMatch(/<script|<img/);

  for (const name of names)
    it(`makes no element of it, or is refused: ${name}`, () => {
      reset();
      const path = name === 'runs' ? join(place, name, readdirSync(join(good, name))[0]) : join(place, name);
      const content = JSON.parse(readFileSync(path, 'utf8')) as Json;
      const attempt = (changed: Json) => {
        writeFileSync(path, JSON.stringify(changed));
        return () => readFileSync(writeReport({ directory: place }).file, 'utf8');
      };
      let shown = 0;
      for (const leaf of leavesOf(content)) {
        const read = attempt(withAt(content, leaf, PAYLOAD));
        // An optimizer's further settings may be words.
        if (typeof at(content, leaf) === 'number' && !leaf.join('.').match(/optimizer\.(?!learningRate)/)) {
          expect(read, leaf.join('.')).toThrow(/schema version|not what an evaluation writes/);
          continue;
        }
        try {
          const page = read();
          harmless(page);
          if (page.includes('&lt;img')) shown++;
        } catch (error) {
          expect(error, leaf.join('.')).toBeInstanceOf(CorruptFileError);
        }
      }
      expect(shown).toBeGreaterThan(0);
      reset();
    });

  it('escapes what the options bring', () => {
    const page = readFileSync(
      writeReport({ directory: good, out: join(directory, 'o.html'), title: PAYLOAD, note: PAYLOAD }).file,
      'utf8',
    );
    harmless(page);
    expect(page.match(/&lt;img/g)).toHaveLength(3);
  });
});

const CHROMIUM = '/usr/bin/chromium';

describe.skipIf(!existsSync(CHROMIUM))('in Chromium (skipped where /usr/bin/chromium is absent)', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  });
  afterAll(() => browser.close());

  for (const [colorScheme, width] of [
    ['light', 1100],
    ['dark', 1100],
    ['light', 380],
  ] as const)
    it(`opens from disk, ${colorScheme}, ${width} pixels wide: no error, marks in every chart, nothing overflows`, async () => {
      const { file, charts } = writeReport({ directory: good });
      const page = await browser.newPage({ colorScheme, viewport: { width, height: 800 } });
      const complaints: string[] = [];
      page.on('console', (message) => complaints.push(message.text()));
      page.on('pageerror', (error) => complaints.push(error.message));
      page.on('request', (request) => {
        const address = request.url();
        if (!address.startsWith('file:') && !address.startsWith('data:')) complaints.push(address);
      });
      await page.goto(String(pathToFileURL(file)));
      // What runs here is the browser's, not Node's: types of the page are not known to this project.
      const seen = await page.evaluate(`({
        marks: [...document.querySelectorAll('figure svg')].map((svg) =>
          [...svg.querySelectorAll('path, circle, rect')].filter((mark) => {
            const box = mark.getBoundingClientRect();
            return box.width + box.height > 2;
          }).length),
        outside: [...document.querySelectorAll('figure')].filter((figure) =>
          figure.getBoundingClientRect().right > innerWidth + 1).length,
        scrolls: document.documentElement.scrollWidth > innerWidth,
        background: getComputedStyle(document.body).backgroundColor,
      })`);
      const { marks, outside, scrolls, background } = seen as {
        marks: number[];
        outside: number;
        scrolls: boolean;
        background: string;
      };
      expect(complaints).toEqual([]);
      expect(marks.length).toBe(charts);
      for (const count of marks) expect(count).toBeGreaterThan(2);
      expect([outside, scrolls]).toEqual([0, false]);
      expect(background).toBe(colorScheme === 'dark' ? 'rgb(20, 23, 26)' : 'rgb(255, 255, 255)');
      await page.close();
    });

  it('runs nothing that files or options bring, nor a script that stands in the page', async () => {
    const place = join(directory, 'in-browser');
    cpSync(good, place, { recursive: true });
    // In every field that may hold it, all at once.
    for (const name of ['results.json', 'forecasts.json', join('runs', readdirSync(join(place, 'runs'))[0])]) {
      const path = join(place, name);
      let content = JSON.parse(readFileSync(path, 'utf8')) as Json;
      for (const leaf of leavesOf(content)) {
        const changed = withAt(content, leaf, PAYLOAD);
        writeFileSync(path, JSON.stringify(changed));
        try {
          writeReport({ directory: place });
          content = changed;
        } catch {
          writeFileSync(path, JSON.stringify(content));
        }
      }
    }
    const { file } = writeReport({ directory: place, note: PAYLOAD });
    expect(readFileSync(file, 'utf8').match(/&lt;img/g)!.length).toBeGreaterThan(20);
    const page = await browser.newPage();
    await page.goto(String(pathToFileURL(file)));
    expect(await page.evaluate('[window.harmed, document.querySelectorAll("script, img").length]')).toEqual([
      undefined,
      0,
    ]);
    const unsafe = join(place, 'unsafe.html');
    const script =
      '<script>window.harmed = 3</script><p id="p" style="color: red" onclick="window.harmed = 4">x</p></body>';
    writeFileSync(unsafe, readFileSync(file, 'utf8').replace('</body>', script));
    await page.goto(String(pathToFileURL(unsafe)));
    await page.click('#p');
    const color = 'getComputedStyle(document.querySelector("#p")).color';
    expect(await page.evaluate(`[window.harmed, ${color}]`)).toEqual([undefined, 'rgb(28, 32, 36)']);
    await page.close();
  });
});
