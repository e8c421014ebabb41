// What is said of a nowcaster by steps, wherever it is described: its unit is never taken for epochs.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCommandLine } from '../../src/cli/commandLine.js';
import { nowcaster } from '../../src/evaluate/methods/nowcaster.js';
import { exportNowcaster, exportPackage } from '../../src/export/index.js';
import { TRAINING_RECORD_NAME } from '../../src/nowcaster/trainingRecord.js';
import { runInProcess } from '../cli/inProcess.js';
import { writeTraining } from './trainingDirectory.js';

const root = mkdtempSync(join(tmpdir(), 'wnn-cadence-'));
const weights = join(root, 'weights');
afterAll(() => rmSync(root, { recursive: true, force: true }));

beforeAll(async () => {
  const training = join(root, 'training');
  const record = writeTraining(training);
  record.dataset.cadence = { unit: 'step', every: 20 };
  writeFileSync(join(training, TRAINING_RECORD_NAME), JSON.stringify(record));
  await exportNowcaster({ from: training, to: weights });
});

const PLACES: [string, () => Promise<string>][] = [
  ...(['npm', 'python'] as const).map((format): [string, () => Promise<string>] => [
    `the README of the ${format} package`,
    async () => {
      const to = join(root, format);
      await exportPackage({ format, from: weights, to, name: 'by-steps', version: '1.0.0' });
      return readFileSync(join(to, 'README.md'), 'utf8');
    },
  ]),
  [
    'an evaluation',
    async () => (await nowcaster.describe(nowcaster.parse!(`ours=${weights}`) as never)).training as string,
  ],
  ['wnn inspect', async () => (await runInProcess(runCommandLine, ['inspect', weights])).out],
];

describe.each(PLACES)('%s', (_, read) => {
  test('says a snapshot every 20 steps, and no epochs', async () => {
    const text = await read();
    expect(text).toMatch(/every 20 steps/);
    expect(text).not.toMatch(/\b\d+ epochs?\b/);
  });
});
