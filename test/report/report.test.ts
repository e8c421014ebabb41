import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeRunRecord } from '../../src/evaluation/files.js';
import { reportState, resultsDigest } from '../../src/evaluation/reportFile.js';
import { writeReport } from '../../src/report/index.js';
import { syntheticJobs, syntheticRecord } from '../evaluate/syntheticRuns.js';
import { makeGoodRun, rising, writeEvaluation } from './syntheticEvaluation.js';

const directory = mkdtempSync(join(tmpdir(), 'wnn-report-'));
afterAll(() => rmSync(directory, { recursive: true }));

const good = join(directory, 'good');
const tuned = join(directory, 'tuned');

beforeAll(() => {
  writeEvaluation(good, [1, 2, 3], makeGoodRun);
  writeEvaluation(tuned, [1, 2, 3], makeGoodRun, { tasks: ['mnist/lenet', 'mnist/mlp'], tuned: true });
});

const read = (options: Parameters<typeof writeReport>[0]) => readFileSync(writeReport(options).file, 'utf8');

describe('writeReport', () => {
  it('puts the metrics of the evaluation on one self-contained page', () => {
    const { file, charts, bytes } = writeReport({ directory: good });
    const page = readFileSync(file, 'utf8');
    expect(bytes).toBe(Buffer.byteLength(page));
    expect(page.match(/<svg/g)!.length).toBe(charts);
    expect(charts).toBe(11);
    expect(page).toContain('95% interval');
    expect(page).toContain('A dot: the end of an epoch after which a nowcast followed.');
    expect(page).toContain('wnn evaluate --task mnist/lenet --seed 1,2,3 --epochs 20');
    expect(page.match(/<script/g)).toHaveLength(1);
    expect(page).not.toMatch(/https?:\/\/(?!www\.w3\.org)|NaN|undefined/);
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
      { epochs: 3 },
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
    const page = read({ directory: out });
    expect(page.match(/Values above [\d.]+ are cut off, marked ▲/g)).toHaveLength(1);
    expect(page).not.toContain('1,000,000');
    const ids = [...page.matchAll(/id="(clip-\d+)"/g)].map(([, id]) => id);
    expect(ids.length).toBeGreaterThan(0);
    expect(new Set(ids).size).toBe(ids.length);
    expect(read({ directory: out })).toBe(page);
  });

  it('draws the curve of a training where it is at hand', () => {
    const training = join(directory, 'training');
    mkdirSync(join(training, 'conv'), { recursive: true });
    const lines = [1, 2, 3].map((epoch) => JSON.stringify({ epoch, validationError: 0.5 / epoch }));
    writeFileSync(join(training, 'conv', 'metrics.jsonl'), `${lines.join('\n')}\n`);
    const out = join(directory, 'with-training.html');
    const { charts } = writeReport({ directory: good, out, trainings: { ours: training } });
    expect(charts).toBe(12);
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

  it('leads with the sentence to quote, the settings and the ratios of the tuned comparison', () => {
    const page = read({ directory: tuned });
    const lead = page.match(/<p class="lead">(.*?)<\/p>/)![1];
    expect(lead).toMatch(
      /^ours reaches the tuned baseline’s accuracy in 0\.\d\d of its epochs, 95% interval .* on all 2 tasks\.$/,
    );
    expect(page.indexOf(lead)).toBeLessThan(page.indexOf('<dt>seeds</dt><dd>1, 2, 3</dd>'));
    const titles = [...page.matchAll(/<h3>(.*?)<\/h3>/g)].map(([, title]) => title);
    expect(titles.slice(0, 2)).toEqual([
      'Epochs to the target, as a multiple of plain’s',
      'Performance profile, epochs',
    ]);
    expect(titles).toContain('Best validation accuracy against learning rate');
    expect(page).toContain('The highest rate tried is chosen for plain, linear, ours: a better one may lie beyond.');
    expect(page).not.toContain('ntuned');
  });

  it('says that results are untuned, and at which rate', () => {
    expect(read({ directory: good })).toMatch(/class="warning">Untuned: all methods ran at learning rate 0\.001\./);
  });

  it('shows no directory of the machine that made the results', () => {
    const page = read({ directory: good });
    expect(page).toContain('nowcaster …/no where, every 3 epochs');
    expect(page).toContain('--method &#39;linear,nowcaster:ours=…/no where&#39;');
    expect(page).not.toMatch(/someone|home|tmp/);
  });

  it('is told from a page of older results by the digest in it', () => {
    const out = join(directory, 'again');
    writeEvaluation(out, [1], makeGoodRun);
    expect(reportState(out)).toBe('absent');
    expect(read({ directory: out })).toContain(`<meta name="wnn-results" content="${resultsDigest(out)}">`);
    expect(reportState(out)).toBe('current');
    writeEvaluation(out, [1, 2], makeGoodRun);
    expect(reportState(out)).toBe('older');
    writeFileSync(join(out, 'report.html'), 'no page of this toolkit');
    expect(reportState(out)).toBe('older');
  });
});
