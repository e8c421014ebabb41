// metrics.jsonl: one line per validation. When training resumes, the file is truncated to its length at the checkpoint, so its
// bytes are those of an uninterrupted run. For the same reason it contains no clock times.

import { closeSync, existsSync, fsyncSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { asWriteError } from '../atomic.js';

/** One line of `metrics.jsonl`. */
export interface MetricsLine {
  /** Number of steps, and the same in epochs. */
  step: number;
  epoch: number;
  /** Of the last step. */
  learningRate: number;
  /** Means over the steps since the previous line: data loss (weighted by samples), penalties, norm of the total gradient. */
  trainLoss: number;
  penalty: number;
  gradientNorm: number;
  /** Mean absolute error on the held-out samples, over all horizons and per horizon. */
  validationError: number;
  horizonErrors: number[];
  /** The same error of the weights themselves, over all horizons. */
  rawError: number;
  /** Whether this state is the best so far. */
  best: boolean;
  /** Steps undone so far because they were not finite. */
  rollbacks: number;
}

/** An open `metrics.jsonl`. */
export interface MetricsLog {
  /** Bytes of whole lines. */
  readonly bytes: number;
  append(line: MetricsLine): void;
  /** Flushes all lines to the disk. */
  flush(): void;
  close(): void;
}

/**
 * Opens the file and truncates it to its first `keep` bytes.
 *
 * @throws WriteError when the disk is full or the place cannot be written.
 */
export function openMetricsLog(path: string, keep: number): MetricsLog {
  const guard = <T>(action: () => T): T => {
    try {
      return action();
    } catch (error) {
      throw asWriteError(error, path);
    }
  };
  const descriptor = guard(() => {
    mkdirSync(dirname(path), { recursive: true });
    return openSync(path, 'a');
  });
  guard(() => ftruncateSync(descriptor, keep));
  let bytes = keep;
  return {
    get bytes() {
      return bytes;
    },
    append(line) {
      const text = Buffer.from(`${JSON.stringify(line)}\n`);
      guard(() => {
        for (let offset = 0; offset < text.length; ) offset += writeSync(descriptor, text, offset);
      });
      bytes += text.length;
    },
    flush: () => guard(() => fsyncSync(descriptor)),
    close: () => closeSync(descriptor),
  };
}

/** All lines of a file; none when there is no file. */
export function readMetrics(path: string): MetricsLine[] {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
  return lines.map((line): MetricsLine => JSON.parse(line));
}
