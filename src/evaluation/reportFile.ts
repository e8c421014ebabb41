// The page beside an evaluation: its name, and whether it was made from the results that are there now. The page carries the
// digest of its results; there is no clock in it.

import { createHash } from 'node:crypto';
import { closeSync, existsSync, openSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { FORECASTS_NAME, RESULTS_NAME } from './schema.js';

/** Name of the page in an evaluation's directory. */
export const REPORT_NAME = 'report.html';

/** Name of the page's `<meta>` element whose content is the digest. */
export const MADE_FROM = 'wnn-results';

/** Where in a page the element stands at the latest: before its style. */
const HEAD_BYTES = 4096;

/** SHA-256 of the results in a directory, in hexadecimal digits: of `results.json` and, where it is there, `forecasts.json`. */
export function resultsDigest(directory: string): string {
  const hash = createHash('sha256');
  for (const name of [RESULTS_NAME, FORECASTS_NAME]) {
    const path = join(directory, name);
    hash.update(existsSync(path) ? readFileSync(path) : '').update('\0');
  }
  return hash.digest('hex');
}

function readHead(path: string): string {
  const descriptor = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(HEAD_BYTES);
    return bytes.toString('utf8', 0, readSync(descriptor, bytes, 0, HEAD_BYTES, 0));
  } finally {
    closeSync(descriptor);
  }
}

/** Whether a directory has a page. `older`: it was made from other results than stand there now. */
export type ReportState = 'absent' | 'current' | 'older';

/** Compares the page in an evaluation's directory with the results beside it. */
export function reportState(directory: string): ReportState {
  const path = join(directory, REPORT_NAME);
  if (!existsSync(path)) return 'absent';
  const digest = readHead(path).match(new RegExp(`<meta name="${MADE_FROM}" content="([0-9a-f]+)">`))?.[1];
  return digest === resultsDigest(directory) ? 'current' : 'older';
}
