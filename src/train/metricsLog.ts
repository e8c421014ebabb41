// metrics.jsonl: one line a validation. Cut back to where the checkpoint was when training goes on, so that its bytes
// are those of an undisturbed run; so it holds no clock times.

import { closeSync, existsSync, fsyncSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { asWriteError } from '../atomic.js';

/** One line of `metrics.jsonl`. */
export interface MetricsLine {
  /** Steps made, and the passes over the samples that they are. */
  step: number;
  epoch: number;
  /** Of the last step. */
  learningRate: number;
  /** Means over the steps since the line before: data loss (by samples), penalties, norm of the whole gradient. */
  trainLoss: number;
  penalty: number;
  gradientNorm: number;
  /** Mean absolute error on the held-out samples, over all horizons, and one a horizon. */
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
  /** Makes sure that all lines are on the disk. */
  flush(): void;
  close(): void;
}

/**
 * Opens the file and cuts it to its first `keep` bytes.
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
