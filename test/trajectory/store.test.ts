import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tableFromIPC } from 'apache-arrow';
import * as parquet from 'parquet-wasm';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CorruptFileError, MismatchError, MissingFileError, SchemaVersionError, UsageError } from '../../src/errors.js';
import { Random } from '../../src/random.js';
import { listRuns, readManifest, readMetrics, readSnapshots } from '../../src/trajectory/runReader.js';
import { RunWriter } from '../../src/trajectory/runWriter.js';
import type { TensorSpec } from '../../src/trajectory/schema.js';
import { bits, collectAll, makeSnapshot, runInfo, TENSORS } from './runs.js';

let store: string;
beforeEach(() => {
  store = mkdtempSync(join(tmpdir(), 'wnn-store-'));
});
afterEach(() => rmSync(store, { recursive: true, force: true }));

async function record(id: string, epochs: number, tensors = TENSORS, sizes = {}): Promise<RunWriter> {
  const writer = RunWriter.create(store, runInfo(id), tensors, sizes);
  for (let epoch = 0; epoch < epochs; epoch++) await writer.append(makeSnapshot(epoch, tensors));
  return writer;
}

async function expectEpochs(directory: string, epochs: number, tensors = TENSORS): Promise<void> {
  const snapshots = await collectAll(readSnapshots(directory));
  expect(snapshots.map(({ epoch }) => epoch)).toEqual(Array.from({ length: epochs }, (_, i) => i));
  for (const { epoch, values } of snapshots) {
    expect(values.map(bits)).toEqual(makeSnapshot(epoch, tensors).values.map(bits));
  }
}

describe('a finished run', () => {
  test('restores every bit and the metrics from Parquet and removes the log', async () => {
    const writer = await record('a', 7);
    await writer.finish('complete');
    expect(readdirSync(writer.directory).sort()).toEqual(['metrics.parquet', 'run.json', 'weights-00000.parquet']);
    await expectEpochs(writer.directory, 7);
    const metrics = await readMetrics(writer.directory);
    expect(metrics[3]).toEqual({ epoch: 3, metrics: { loss: 0.25, acc: 0.1 * 3 } });
    expect(readManifest(writer.directory)).toMatchObject({
      status: 'complete',
      snapshotsRecorded: 7,
      tensors: TENSORS,
    });
  });

  test('has the designed columns, ZSTD, and BYTE_STREAM_SPLIT on values alone', async () => {
    const writer = await record('a', 7);
    await writer.finish('complete');
    const bytes = readFileSync(join(writer.directory, 'weights-00000.parquet'));
    const { fields } = tableFromIPC(parquet.readParquet(bytes).intoIPCStream()).schema;
    expect(fields.map(({ name, type }) => `${name}: ${type}`)).toEqual([
      'epoch: Int32',
      'tensor: Dictionary<Int32, Utf8>',
      'kind: Dictionary<Int32, Utf8>',
      'shape: List<Int32>',
      'values: List<Float32>',
    ]);
    const file = await parquet.ParquetFile.fromFile(new Blob([bytes]));
    const columns = file.metadata().rowGroup(0).columns();
    const encodings = Object.fromEntries(columns.map((column) => [column.columnPath().join('.'), column.encodings()]));
    const split = Object.keys(encodings).filter((name) => encodings[name].includes(parquet.Encoding.BYTE_STREAM_SPLIT));
    expect(split).toEqual(['values.list.element']);
    expect(encodings.tensor).toContain(parquet.Encoding.RLE_DICTIONARY);
    expect(columns.every((column) => column.compression() === parquet.Compression.ZSTD)).toBe(true);
  });

  test('has plain values where a large tensor would go into their dictionary', async () => {
    const tensors: TensorSpec[] = [
      { name: 'still', kind: 'bias', shape: [10] },
      { name: 'large', kind: 'fc', shape: [200, 200] },
    ];
    const writer = RunWriter.create(store, runInfo('a'), tensors);
    const random = new Random(1);
    const large = Float32Array.from({ length: 40_000 }, () => random.normal());
    for (let epoch = 0; epoch < 3; epoch++)
      await writer.append({ epoch, values: [new Float32Array(10), large.map((value) => value + epoch)], metrics: {} });
    const [{ bytes }] = (await writer.finish('complete')).files;
    expect(bytes).toBeLessThan(4 * 3 * 40_010);
    const file = await parquet.ParquetFile.fromFile(
      new Blob([readFileSync(join(writer.directory, 'weights-00000.parquet'))]),
    );
    const columns = file.metadata().rowGroup(0).columns();
    const encodings = Object.fromEntries(columns.map((column) => [column.columnPath()[0], column.encodings()]));
    const { PLAIN, RLE_DICTIONARY, BYTE_STREAM_SPLIT } = parquet.Encoding;
    for (const name of ['shape', 'values']) {
      expect(encodings[name]).toContain(PLAIN);
      expect(encodings[name]).not.toContain(RLE_DICTIONARY);
      expect(encodings[name]).not.toContain(BYTE_STREAM_SPLIT);
    }
    expect(encodings.tensor).toContain(RLE_DICTIONARY);
    const snapshots = await collectAll(readSnapshots(writer.directory));
    expect(bits(snapshots[2].values[1])).toEqual(bits(large.map((value) => value + 2)));
  });

  test('is the same bytes each time', async () => {
    const first = await record('a', 5);
    await first.finish('complete');
    const files = () =>
      readdirSync(first.directory).map((name) => readFileSync(join(first.directory, name)).toString('hex'));
    const before = files();
    rmSync(first.directory, { recursive: true });
    await (await record('a', 5)).finish('complete');
    expect(files()).toEqual(before);
  });

  test('is split into row groups of whole epochs and into several files', async () => {
    const epochBytes = 4 * (72 + 4 + 4 + 2000 + 1);
    const writer = await record('a', 13, TENSORS, { rowGroupBytes: 2 * epochBytes, partBytes: 5 * epochBytes });
    await writer.finish('complete');
    const parts = readdirSync(writer.directory).filter((name) => name.startsWith('weights'));
    expect(parts).toEqual(
      ['weights-00000', 'weights-00001', 'weights-00002', 'weights-00003'].map((n) => `${n}.parquet`),
    );
    const metadata = (
      await parquet.ParquetFile.fromFile(new Blob([readFileSync(join(writer.directory, parts[0]))]))
    ).metadata();
    expect(metadata.rowGroups().map((group) => group.numRows())).toEqual([2 * 5, 2 * 5]);
    await expectEpochs(writer.directory, 13);
    const chosen = await collectAll(
      readSnapshots(writer.directory, { firstSnapshot: 6, tensors: ['dense/kernel', 'conv2d/bias'] }),
    );
    expect(chosen.map(({ epoch }) => epoch)).toEqual([6, 7, 8, 9, 10, 11, 12]);
    expect(chosen[0].values.map(bits)).toEqual([1, 3].map((t) => bits(makeSnapshot(6).values[t])));
  });

  test('may hold tensors of one value only, and of hundreds of names', async () => {
    const tensors: TensorSpec[] = Array.from({ length: 400 }, (_, i) => ({
      name: `a/rather/long/path/of/a/layer_${i}/kernel`,
      kind: 'fc',
      shape: [1, 1 + (i % 9)],
    }));
    const writer = await record('a', 3, tensors);
    await writer.finish('complete');
    await expectEpochs(writer.directory, 3, tensors);
  });

  test('keeps metrics that are not finite or came late as missing', async () => {
    const writer = RunWriter.create(store, runInfo('a'), TENSORS);
    await writer.append({ ...makeSnapshot(0), metrics: { loss: Number.POSITIVE_INFINITY } });
    await writer.append({ ...makeSnapshot(1), metrics: { loss: 0.5, val_acc: Number.NaN } });
    const expected = [
      { epoch: 0, metrics: { loss: Number.NaN } },
      { epoch: 1, metrics: { loss: 0.5, val_acc: Number.NaN } },
    ];
    expect(await readMetrics(writer.directory)).toEqual(expected);
    await writer.finish('diverged', 'loss is Infinity');
    expected[0].metrics.val_acc = Number.NaN;
    expect(await readMetrics(writer.directory)).toEqual(expected);
  });

  test('is not recorded again', async () => {
    await (await record('a', 1)).finish('complete');
    expect(() => RunWriter.create(store, runInfo('a'), TENSORS)).toThrow(UsageError);
    await expectEpochs(join(store, 'run=a'), 1);
  });
});

describe('a run that did not end', () => {
  test('is read from its log, without the epoch that was cut off', async () => {
    const writer = await record('a', 5);
    const log = join(writer.directory, 'snapshots.arrows');
    const { size } = statSync(log);
    expect(tableFromIPC(readFileSync(log)).numRows).toBe(5 * TENSORS.length);
    await expectEpochs(writer.directory, 5);
    for (const cut of [1, 100, 4000]) {
      truncateSync(log, size - cut);
      await expectEpochs(writer.directory, 4);
      expect(listRuns(store)[0].manifest).toMatchObject({ status: 'recording', snapshotsRecorded: 4 });
    }
    truncateSync(log, 3);
    await expectEpochs(writer.directory, 0);
  });

  test('keeps metrics whose number grows and shrinks from epoch to epoch', async () => {
    const writer = await record('a', 0);
    const many = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`figure of class ${i}: ü`, i / 7]));
    const metrics = [{}, { loss: 1 / 3 }, many, { loss: 2 }, {}];
    for (const [epoch, values] of metrics.entries())
      await writer.append({ ...makeSnapshot(epoch), metrics: values as Record<string, number> });
    expect((await readMetrics(writer.directory)).map((row) => row.metrics)).toEqual(metrics);
    await expectEpochs(writer.directory, 5);
  });

  test('leaves out a last epoch of zeros, as a power failure leaves it', async () => {
    const writer = await record('a', 3);
    const log = join(writer.directory, 'snapshots.arrows');
    appendFileSync(log, Buffer.alloc(5000));
    await expectEpochs(writer.directory, 3);
    const bytes = readFileSync(log);
    bytes.fill(0, bytes.length - 5000 - 4096);
    writeFileSync(log, bytes);
    await expectEpochs(writer.directory, 2);
  });

  test('is an error when an epoch before the last is damaged', async () => {
    const writer = await record('a', 3);
    const log = join(writer.directory, 'snapshots.arrows');
    const bytes = readFileSync(log);
    bytes[Math.floor(bytes.length / 2)] ^= 4;
    writeFileSync(log, bytes);
    await expect(collectAll(readSnapshots(writer.directory))).rejects.toThrow(CorruptFileError);
  });

  test('that was interrupted keeps its epochs until a new attempt has as many', async () => {
    await (await record('a', 4)).finish('interrupted', 'Ctrl-C');
    const again = await record('a', 3);
    expect(listRuns(store)[0].manifest).toMatchObject({ status: 'interrupted', snapshotsRecorded: 4 });
    await expectEpochs(again.directory, 4);
    await again.append(makeSnapshot(3));
    expect(listRuns(store)[0].manifest).toMatchObject({ status: 'recording', snapshotsRecorded: 4 });
    await again.append(makeSnapshot(4));
    await expectEpochs(again.directory, 5);
    await again.finish('complete');
    await expectEpochs(again.directory, 5);
    expect(readdirSync(again.directory).sort()).toEqual(['metrics.parquet', 'run.json', 'weights-00000.parquet']);
  });

  test('that was killed keeps its epochs when the next attempt is cut off sooner', async () => {
    await record('a', 4); // never finished, as after a kill
    const again = await record('a', 2);
    await again.finish('interrupted', 'Ctrl-C');
    expect(readdirSync(again.directory).sort()).toEqual(['run.json', 'snapshots.arrows']);
    await expectEpochs(again.directory, 4);
    await (await record('a', 2)).finish('complete');
    await expectEpochs(again.directory, 2);
  });

  test('is not there yet when it has no manifest', async () => {
    mkdirSync(join(store, 'run=a'));
    writeFileSync(join(store, 'run=a', 'run.json.1.tmp'), '{');
    expect(listRuns(store)).toEqual([]);
  });

  test('may be interrupted before its first epoch', async () => {
    const writer = await record('a', 0);
    await writer.finish('interrupted', 'Ctrl-C');
    await expectEpochs(writer.directory, 0);
    expect(await readMetrics(writer.directory)).toEqual([]);
  });
});

describe('bad input', () => {
  test('snapshots that do not fit are refused and leave no trace', async () => {
    const writer = await record('a', 1);
    await expect(writer.append({ ...makeSnapshot(1), values: [new Float32Array(3)] })).rejects.toThrow(MismatchError);
    await expect(writer.append(makeSnapshot(0))).rejects.toThrow(/epoch 0 after epoch 0/);
    await expectEpochs(writer.directory, 1);
    expect(() => RunWriter.create(store, runInfo('../up'), TENSORS)).toThrow(UsageError);
    expect(() => RunWriter.create(store, runInfo('b'), [TENSORS[0], TENSORS[0]])).toThrow(MismatchError);
  });

  test('a Parquet file that is cut or damaged is named', async () => {
    const writer = await record('a', 4);
    await writer.finish('complete');
    const path = join(writer.directory, 'weights-00000.parquet');
    const whole = readFileSync(path);
    for (const length of [0, 5, 200, whole.length >> 1, whole.length - 1]) {
      writeFileSync(path, whole.subarray(0, length));
      const error = await collectAll(readSnapshots(writer.directory)).catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(CorruptFileError);
      expect((error as Error).message).toContain(path);
    }
    const flipped = Buffer.from(whole);
    flipped.fill(0xa5, 1000, 4000);
    writeFileSync(path, flipped);
    await expect(collectAll(readSnapshots(writer.directory))).rejects.toThrow(CorruptFileError);
    writeFileSync(path, whole);
    await expectEpochs(writer.directory, 4);
    rmSync(path);
    await expect(collectAll(readSnapshots(writer.directory))).rejects.toThrow(/ENOENT.*weights-00000/);
    const metrics = join(writer.directory, 'metrics.parquet');
    const table = readFileSync(metrics);
    for (let at = 0; at < table.length; at += 97) {
      const bad = Buffer.from(table);
      bad[at] ^= 1 << (at % 8);
      writeFileSync(metrics, at === 0 ? table.subarray(0, 50) : bad);
      await expect(readMetrics(writer.directory)).rejects.toThrow(/^damaged Parquet file .*metrics\.parquet; /);
    }
    writeFileSync(metrics, table);
    expect(await readMetrics(writer.directory)).toHaveLength(4);
  });

  test('a manifest of another version, or that is none, is named', async () => {
    const writer = await record('a', 1);
    await writer.finish('complete');
    const path = join(writer.directory, 'run.json');
    const manifest = JSON.parse(readFileSync(path, 'utf8'));
    writeFileSync(path, JSON.stringify({ ...manifest, schemaVersion: 99 }));
    expect(() => listRuns(store)).toThrow(SchemaVersionError);
    for (const bad of [
      '{',
      'null',
      JSON.stringify({ ...manifest, tensors: [{}] }),
      JSON.stringify({ ...manifest, status: 1 }),
      JSON.stringify({ ...manifest, cadence: undefined }),
      JSON.stringify({ ...manifest, cadence: { unit: 'step', every: 0 } }),
    ]) {
      writeFileSync(path, bad);
      expect(() => readManifest(writer.directory)).toThrow(CorruptFileError);
    }
    rmSync(path);
    expect(() => listRuns(store)).toThrow(/no run here: .*run\.json/);
    expect(() => listRuns(join(store, 'nowhere'))).toThrow(MissingFileError);
    expect(existsSync(join(store, 'nowhere'))).toBe(false);
  });
});
