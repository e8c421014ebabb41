import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CorruptFileError, SchemaVersionError } from '../../src/errors.js';
import { writeReport } from '../../src/report/index.js';
import { PAYLOAD, plantEverywhere } from './payload.js';
import { makeGoodRun, writeEvaluation } from './syntheticEvaluation.js';

const directory = mkdtempSync(join(tmpdir(), 'wnn-payload-'));
afterAll(() => rmSync(directory, { recursive: true }));
const good = join(directory, 'good');
beforeAll(() => writeEvaluation(good, [1], makeGoodRun, { tasks: ['mnist/lenet', 'mnist/mlp'], tuned: true }));

/** Fields by which parts of an evaluation find one another; with other values, charts that hold the rest go missing. */
const LINKS = /(^|\.)(task|name|method|sort|unit|kind|better|type|target)(\.\d+)?$/;

/** Everything that the page is made of, without the project's own style and script. */
function bodyOf(page: string): string {
  expect(page.match(/<script/g)).toHaveLength(1);
  expect(page.match(/<style/g)).toHaveLength(1);
  return page.replace(/<style>[\s\S]*?<\/style>/, '').replace(/<script>[\s\S]*?<\/script>/, '');
}

describe('a page of an evaluation that holds HTML', () => {
  it.each([
    ['in every field that takes it', undefined, 30],
    ['in every field but those that link parts', (field: string) => LINKS.test(field), 18],
  ])('has no element of it: %s', (_, spare, least) => {
    const place = join(directory, String(least));
    cpSync(good, place, { recursive: true });
    const planted = plantEverywhere(place, spare);
    for (const { field, error } of planted.flatMap(({ refused }) => refused))
      expect(error instanceof CorruptFileError || error instanceof SchemaVersionError, `${field}: ${error}`).toBe(true);
    expect(planted.flatMap(({ fields }) => fields).length).toBeGreaterThan(least);
    const body = bodyOf(readFileSync(writeReport({ directory: place, title: PAYLOAD, note: PAYLOAD }).file, 'utf8'));
    expect(body).not.toMatch(/<script|<img|<\/style/);
    expect(body.match(/&lt;img/g)!.length).toBeGreaterThan(10);
  });
});
