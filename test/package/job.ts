// A training with the shipped nowcaster, to be run in a project that has the packed toolkit: in Node and in pages.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { resultOf } from './pages.js';

/** What a Node job and the pages run: a training with the shipped nowcaster, and what an address without files gives. */
const JOB = `
  import { WeightForecasting } from 'weight-nowcaster/callback';
  import * as tf from '@tensorflow/tfjs-core';
  import * as tfl from '@tensorflow/tfjs-layers';
  import '@tensorflow/tfjs-backend-cpu';
  export async function run(absent) {
    await tf.setBackend('cpu');
    const callback = await WeightForecasting.load(undefined, { watch: false });
    const model = tfl.sequential({ layers: [tfl.layers.dense({ units: 3, inputShape: [4] })] });
    model.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
    await model.fit(tf.ones([8, 4]), tf.ones([8, 3]), { epochs: 12, callbacks: [callback], verbose: 0 });
    const [{ outcome, scalars }] = callback.history;
    await callback.dispose();
    const error = await WeightForecasting.load(absent).then(() => null, (error) => error.message);
    return { outcome, scalars, error };
  }
`;
/** What it gives. */
export const EXPECTED = { outcome: 'kept', scalars: { conv: 0, fc: 12, bias: 3 } };

/** The error where a server has no file at the address without files. */
export const NOT_FOUND = /^cannot fetch \(status 404\): absent\/nowcaster\.json; check the address/;
/** The error where a server answers every address with its page. */
export const PAGE = /^answered with an HTML page: absent\/nowcaster\.json; check the address/;
/** The request that fails on the way to {@link NOT_FOUND}. */
export const ABSENT = [/absent\/nowcaster\.json$/];

/** An HTML page. */
export const pageOf = (content: string) => `<!doctype html><link rel="icon" href="data:,">${content}`;

/** Writes `job.js`, which exports the training as `run`. */
export function writeJob(directory: string): void {
  writeFileSync(join(directory, 'job.js'), JOB);
}

/** Writes `main.js`, which runs the job for {@link expectNowcast}, and `index.html`, which loads it. */
export function writePage(directory: string): void {
  const main = "import { run } from './job.js'; run('absent').then((result) => { window.result = result; });";
  writeFileSync(join(directory, 'main.js'), main);
  writeFileSync(join(directory, 'index.html'), pageOf('<script type="module" src="/main.js"></script>'));
}

/**
 * Opens a page that runs the job, and expects its result.
 *
 * @param error of the address without files.
 * @param problems of the page that are expected.
 */
export async function expectNowcast(address: string, error: RegExp, problems: RegExp[] = []): Promise<void> {
  const shown = await resultOf(address);
  const { error: message, ...result } = shown.result as Record<string, unknown>;
  expect(result).toEqual(EXPECTED);
  expect(message).toMatch(error);
  expect(shown.problems.filter((problem) => !problems.some((known) => known.test(problem)))).toEqual([]);
}
