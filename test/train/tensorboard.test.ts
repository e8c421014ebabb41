// Event files read back by a reader written from the formats' definitions, with the checksums checked bit by bit.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PAPER_SPEC } from '../../src/nowcaster/spec.js';
import { type TrainOptions, trainNowcaster } from '../../src/train/index.js';
import { readMetrics } from '../../src/train/metricsLog.js';
import { createReferenceCompute, makeDirectory, writeSamples } from './fixtures.js';

let dir: string;
let dispose: () => void;
beforeEach(() => {
  ({ dir, dispose } = makeDirectory());
});
afterEach(() => dispose());

/** CRC-32C one bit at a time. */
function crc32c(bytes: Uint8Array): number {
  let crc = ~0;
  for (const byte of bytes)
    for (let bit = 0; bit < 8; bit++) {
      const mix = (crc ^ (byte >> bit)) & 1;
      crc = (crc >>> 1) ^ (mix ? 0x82f63b78 : 0);
    }
  return ~crc >>> 0;
}

function readRecords(file: Buffer): Buffer[] {
  const records = [];
  const unmask = (masked: number) => {
    const rotated = (masked - 0xa282ead8) >>> 0;
    return ((rotated << 15) | (rotated >>> 17)) >>> 0;
  };
  for (let at = 0; at < file.length; ) {
    const length = Number(file.readBigUInt64LE(at));
    const data = file.subarray(at + 12, at + 12 + length);
    expect(unmask(file.readUInt32LE(at + 8))).toBe(crc32c(file.subarray(at, at + 8)));
    expect(unmask(file.readUInt32LE(at + 12 + length))).toBe(crc32c(data));
    records.push(data);
    at += 16 + length;
  }
  return records;
}

/** Fields of a protobuf message by number, in the order in which they stand. */
function readFields(message: Buffer): [field: number, value: number | Buffer][] {
  const fields: [number, number | Buffer][] = [];
  let at = 0;
  const varint = () => {
    for (let value = 0, factor = 1; ; factor *= 128) {
      const byte = message[at++];
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  };
  while (at < message.length) {
    const tag = varint();
    const [field, type] = [tag >> 3, tag & 7];
    if (type === 0) {
      fields.push([field, varint()]);
      continue;
    }
    const length = type === 1 ? 8 : type === 5 ? 4 : varint();
    const content = message.subarray(at, at + length);
    at += length;
    fields.push([field, type === 1 ? content.readDoubleLE() : type === 5 ? content.readFloatLE() : content]);
  }
  return fields;
}

function readEvents(path: string): { step: number; scalars: Record<string, number> }[] {
  const [version, ...events] = readRecords(readFileSync(path)).map((record) => new Map(readFields(record)));
  expect(String(version.get(3))).toBe('brain.Event:2');
  return events.map((event) => ({
    step: event.get(2) as number,
    scalars: Object.fromEntries(
      readFields(event.get(5) as Buffer).map(([, value]) => {
        const scalar = new Map(readFields(value as Buffer));
        return [String(scalar.get(1)), scalar.get(2) as number];
      }),
    ),
  }));
}

describe('TensorBoard events', () => {
  it('say what metrics.jsonl says, also after an interruption, also afterwards', async () => {
    writeSamples(join(dir, 'samples'), { spec: { ...PAPER_SPEC, horizons: [2, 5] } });
    const path = join(dir, 'events/fc/events.out.tfevents.0.wnn');
    const controller = new AbortController();
    const options: TrainOptions = {
      samples: join(dir, 'samples'),
      out: join(dir, 'out'),
      kinds: ['fc'],
      config: { streams: 'values', activation: 'relu' },
      openCompute: async (spec) => createReferenceCompute(spec),
      batchSize: 2,
      steps: 300,
      validationSteps: 70,
    };
    const tensorboard = join(dir, 'events');
    const onMetrics = () => controller.abort();
    await expect(trainNowcaster({ ...options, tensorboard, onMetrics, signal: controller.signal })).rejects.toThrow();
    expect(readEvents(path)).toHaveLength(1);
    await trainNowcaster({ ...options, tensorboard });
    const lines = readMetrics(join(dir, 'out/fc/metrics.jsonl'));
    expect(lines.map(({ step }) => step)).toEqual([70, 140, 210, 280, 300]);
    const events = readEvents(path);
    expect(events).toEqual(
      lines.map((line) => ({
        step: line.step,
        scalars: {
          'train/loss': Math.fround(line.trainLoss),
          'train/penalty': Math.fround(line.penalty),
          'train/gradient_norm': Math.fround(line.gradientNorm),
          'train/learning_rate': Math.fround(line.learningRate),
          'validation/error': Math.fround(line.validationError),
          'validation/raw_error': Math.fround(line.rawError),
          'validation/error_at_2': Math.fround(line.horizonErrors[0]),
          'validation/error_at_5': Math.fround(line.horizonErrors[1]),
        },
      })),
    );
    await trainNowcaster({ ...options, tensorboard: join(dir, 'later') });
    expect(readFileSync(join(dir, 'later/fc/events.out.tfevents.0.wnn'))).toEqual(readFileSync(path));
    expect(existsSync(join(dir, 'later/conv'))).toBe(false);
  });
});
