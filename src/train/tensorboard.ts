// TensorBoard event files: a view of metrics.jsonl, one file per kind. A small writer, because the only maintained npm
// library for the format (tfjs-node's) needs TensorFlow's native code. Writes scalars only and does not read.
// Formats: TFRecord (tensorflow/core/lib/io/record_writer.h) around event.proto and summary.proto of TensorFlow.

import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { asWriteError } from '../atomic.js';
import type { MetricsLine } from './metricsLog.js';

/** Remainders of the CRC-32C (Castagnoli) polynomial, reflected. */
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++) remainder = remainder & 1 ? (remainder >>> 1) ^ 0x82f63b78 : remainder >>> 1;
  return remainder;
});

/** CRC-32C, masked as TFRecord specifies. */
function maskedCrc(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = CRC_TABLE[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  crc = ~crc >>> 0;
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

function encodeRecord(data: Uint8Array): Buffer {
  const record = Buffer.alloc(8 + 4 + data.length + 4);
  record.writeBigUInt64LE(BigInt(data.length), 0);
  record.writeUInt32LE(maskedCrc(record.subarray(0, 8)), 8);
  record.set(data, 12);
  record.writeUInt32LE(maskedCrc(data), 12 + data.length);
  return record;
}

/** A protobuf varint of a whole number below 2^53. */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  bytes.push(rest);
  return Buffer.from(bytes);
}

/** A protobuf field of bytes: strings and messages. */
const bytesField = (number: number, content: Uint8Array) =>
  Buffer.concat([varint(number * 8 + 2), varint(content.length), content]);

function doubleField(number: number, value: number): Buffer {
  const bytes = Buffer.alloc(9);
  bytes[0] = number * 8 + 1;
  bytes.writeDoubleLE(value, 1);
  return bytes;
}

function floatField(number: number, value: number): Buffer {
  const bytes = Buffer.alloc(5);
  bytes[0] = number * 8 + 5;
  bytes.writeFloatLE(value, 1);
  return bytes;
}

/** The first record of every event file. */
function encodeFileVersion(): Buffer {
  return encodeRecord(Buffer.concat([doubleField(1, 0), bytesField(3, Buffer.from('brain.Event:2'))]));
}

/** One event with its scalars. The step is also used as wall time, so that the same training gives the same bytes. */
function encodeScalars(step: number, scalars: Record<string, number>): Buffer {
  const values = Object.entries(scalars).map(([tag, value]) =>
    bytesField(1, Buffer.concat([bytesField(1, Buffer.from(tag)), floatField(2, value)])),
  );
  const stepField = Buffer.concat([varint(2 * 8), varint(step)]);
  return encodeRecord(Buffer.concat([doubleField(1, step), stepField, bytesField(5, Buffer.concat(values))]));
}

/** The scalars of a line of metrics, with names that TensorBoard groups by their prefix. */
function scalarsOf(line: MetricsLine, horizons: readonly number[]): Record<string, number> {
  const scalars: Record<string, number> = {
    'train/loss': line.trainLoss,
    'train/penalty': line.penalty,
    'train/gradient_norm': line.gradientNorm,
    'train/learning_rate': line.learningRate,
    'validation/error': line.validationError,
    'validation/raw_error': line.rawError,
  };
  if (horizons.length > 1)
    for (const [i, horizon] of horizons.entries()) scalars[`validation/error_at_${horizon}`] = line.horizonErrors[i];
  return scalars;
}

/** An open event file. */
export interface EventFile {
  append(line: MetricsLine): void;
  close(): void;
}

/**
 * Writes `<dir>/events.out.tfevents.0.wnn` with the lines so far, and keeps it open for more.
 *
 * @throws WriteError when the disk is full or the place cannot be written.
 */
export function openEventFile(dir: string, horizons: readonly number[], lines: readonly MetricsLine[]): EventFile {
  const path = join(dir, 'events.out.tfevents.0.wnn');
  const guard = <T>(action: () => T): T => {
    try {
      return action();
    } catch (error) {
      throw asWriteError(error, path);
    }
  };
  const descriptor = guard(() => {
    mkdirSync(dir, { recursive: true });
    return openSync(path, 'w');
  });
  const write = (bytes: Buffer) =>
    guard(() => {
      for (let offset = 0; offset < bytes.length; ) offset += writeSync(descriptor, bytes, offset);
    });
  const append = (line: MetricsLine) => write(encodeScalars(line.step, scalarsOf(line, horizons)));
  write(encodeFileVersion());
  for (const line of lines) append(line);
  return { append, close: () => closeSync(descriptor) };
}
