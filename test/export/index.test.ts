import { describeFiles } from '../../src/nowcaster/listedFile.js';
import { DEFAULT_KINDS, PAPER_SPEC } from '../../src/nowcaster/spec.js';
import { decodeWeights } from '../../src/nowcaster/weightsFile.js';
import { referenceForward } from '../families/wnn/reference.js';
import { drawSamples, SPECS } from '../families/wnn/samples.js';
import '@tensorflow/tfjs-backend-cpu';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import '../../src/callback/index.js';
import { loadNowcaster } from '../../src/callback/node.js';
import { WnnError } from '../../src/errors.js';
import { type ExportOptions, exportNowcaster, readH5 } from '../../src/export/index.js';
import { parametersOf, writeTraining } from './trainingDirectory.js';

let root: string;
let training: string;
let to: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'wnn-export-'));
  training = join(root, 'training');
  to = join(root, 'nowcaster');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const listFiles = (directory: string) =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .sort();

describe('a training becomes a nowcaster directory', () => {
  test('with its files, metrics and provenance', async () => {
    const record = writeTraining(training);
    const result = await exportNowcaster({ from: training, to, tag: 'v1', formats: ['h5', 'safetensors'] });
    expect(listFiles(to)).toEqual(
      [
        'nowcaster.json',
        ...['Conv', 'FC', 'Bias'].flatMap((name) => [`NWNN_${name}_v1.h5`, `NWNN_${name}_v1.safetensors`]),
        ...DEFAULT_KINDS.flatMap((kind) => [`tfjs/${kind}/model.json`, `tfjs/${kind}/weights.bin`]),
      ].sort(),
    );
    expect(result.files.map(({ path }) => path).sort()).toEqual(listFiles(to));
    const manifest = JSON.parse(readFileSync(join(to, 'nowcaster.json'), 'utf8'));
    expect(manifest).toEqual(result.manifest);
    expect(manifest).toMatchObject({ schemaVersion: 1, tag: 'v1', spec: PAPER_SPEC, dataset: record.dataset });
    expect(manifest.kinds.fc.training.validation).toEqual({ noChange: 0.4, linear: 0.3, network: 0.2 });
    expect(manifest.kinds.fc.source.sha256).toBe(record.kinds.fc?.weightsSha256);
    expect(readdirSync(root).sort()).toEqual(['nowcaster', 'training']);
  });

  test('with the best weights so far of a kind whose training has not ended, when asked', async () => {
    const { kinds, ...record } = writeTraining(training);
    const { fc, ...ended } = kinds;
    writeFileSync(join(training, 'train.json'), JSON.stringify({ ...record, kinds: ended }));
    await expect(exportNowcaster({ from: training, to })).rejects.toThrow(
      /^no network for the fc kind: .+; train or give it, take the best so far of a training that has not ended \(--partial\)/,
    );
    const { manifest } = await exportNowcaster({ from: training, to, partial: true });
    expect(manifest.kinds.fc).toMatchObject({ training: null, source: { sha256: fc?.weightsSha256 } });
    expect(manifest.kinds.conv?.training).toEqual(ended.conv);
    expect((await loadNowcaster(to)).parameters.fc).toEqual(parametersOf(PAPER_SPEC, 'fc'));
    rmSync(join(training, 'fc/best.safetensors'));
    await expect(exportNowcaster({ from: training, to, partial: true })).rejects.toThrow(/no network for the fc kind/);
  });

  test('with what it recommends, which another export keeps or changes', async () => {
    writeTraining(training);
    const exported = async (options: Omit<ExportOptions, 'to'>) => {
      const { manifest } = await exportNowcaster({ ...options, to, overwrite: true });
      expect((await loadNowcaster(to)).recommended).toEqual(manifest.recommended);
      return manifest.recommended;
    };
    expect(await exported({ from: training })).toEqual({ start: 4, period: 5, stepScale: 1 });
    const recommended = { stepScale: 1.5, period: 3 };
    expect(await exported({ from: training, recommended })).toEqual({ start: 4, ...recommended });
    expect(await exported({ from: to })).toEqual({ start: 4, ...recommended });
    expect(await exported({ from: to, recommended: { stepScale: 1 } })).toEqual({
      start: 4,
      period: 3,
      stepScale: 1,
    });
    await expect(exported({ from: to, recommended: { stepScale: 0 } })).rejects.toThrow(
      /above 0 and at most 10: --step-scale 0/,
    );
    await expect(exported({ from: to, recommended: { period: 0.5 } })).rejects.toThrow(/at least 1: --period 0.5/);
    const path = join(to, 'nowcaster.json');
    const manifest = JSON.parse(readFileSync(path, 'utf8'));
    manifest.recommended.stepScale = '2';
    writeFileSync(path, JSON.stringify(manifest));
    await expect(loadNowcaster(to)).rejects.toThrow(/stepScale must be above 0 and at most 10, not 2/);
  });

  test('whose formats hold the same numbers', async () => {
    writeTraining(training);
    await exportNowcaster({ from: training, to, tag: 'v1', formats: ['h5', 'safetensors'] });
    const loaded = await loadNowcaster(to);
    for (const kind of DEFAULT_KINDS) {
      const expected = parametersOf(PAPER_SPEC, kind);
      const { files } = loaded.manifest.kinds[kind]!;
      expect(loaded.parameters[kind]).toEqual(expected);
      expect((await readH5(join(to, files.h5))).parameters).toEqual(expected);
      const safetensors = readFileSync(join(to, files.safetensors));
      expect(decodeWeights(safetensors, 'file').parameters).toEqual(expected);
    }
  });

  for (const [name, spec] of Object.entries(SPECS)) {
    test(`whose model.json is opened by tf.loadLayersModel: ${name}`, async () => {
      writeTraining(training, spec);
      await exportNowcaster({ from: training, to });
      const folder = join(to, 'tfjs', 'fc');
      const model = await tfl.loadLayersModel({
        load: async () => {
          const { modelTopology, weightsManifest } = JSON.parse(readFileSync(join(folder, 'model.json'), 'utf8'));
          const [{ paths, weights: weightSpecs }] = weightsManifest;
          const weightData = new Uint8Array(readFileSync(join(folder, paths[0]))).buffer;
          return { modelTopology, weightSpecs, weightData };
        },
      });
      const count = 9;
      const { windows } = drawSamples(spec, count, 1);
      const values = tf.tensor2d(windows, [count, spec.inputLength]);
      const differences = tf.sub(tf.slice(values, [0, 1]), tf.slice(values, [0, 0], [-1, spec.inputLength - 1]));
      const outputs = model.predict(spec.config.streams === 'both' ? [values, differences] : values) as tf.Tensor;
      const expected = referenceForward(spec, parametersOf(spec, 'fc'), windows, count);
      outputs.dataSync().forEach((y, i) => {
        expect(Math.abs(y - expected[i])).toBeLessThan(2e-6);
      });
    });
  }

  test('of equal bytes when exported again, also from what was exported', async () => {
    writeTraining(training);
    await exportNowcaster({ from: training, to, tag: 'x' });
    const [again, copy] = [join(root, 'again'), join(root, 'copy')];
    await exportNowcaster({ from: training, to: again, tag: 'x' });
    await exportNowcaster({ from: to, to: copy });
    for (const file of listFiles(to)) {
      for (const other of [again, copy])
        expect(readFileSync(join(other, file)).equals(readFileSync(join(to, file))), file).toBe(true);
    }
  });

  test('tagged by its own name, and replaced only when that is asked for', async () => {
    writeTraining(training);
    await exportNowcaster({ from: training, to, kinds: ['fc'] });
    expect(listFiles(to)).toContain('NWNN_FC_nowcaster.h5');
    await expect(exportNowcaster({ from: training, to })).rejects.toThrow(/the directory is not empty: .*nowcaster; /);
    expect(await exportNowcaster({ from: training, to, kinds: ['fc'] })).toMatchObject({ written: false });
    expect(await exportNowcaster({ from: training, to, overwrite: true })).toMatchObject({ written: true });
    expect(listFiles(to)).toContain('NWNN_Bias_nowcaster.h5');
    expect(readdirSync(root).sort()).toEqual(['nowcaster', 'training']);
  });
});

describe('weight files become a nowcaster directory', () => {
  const weightFiles = async () => {
    writeTraining(training);
    const { manifest } = await exportNowcaster({
      from: training,
      to: join(root, 'made'),
      formats: ['h5', 'safetensors'],
    });
    const path = (kind: keyof typeof manifest.kinds, format: string) =>
      join(root, 'made', manifest.kinds[kind]!.files[format]);
    return path;
  };

  test('recognized by their names in any order, with the normalization that is said', async () => {
    const path = await weightFiles();
    const from = [path('bias', 'h5'), path('conv', 'h5'), path('fc', 'h5')];
    const { manifest } = await exportNowcaster({ from, to, normalization: 'none', tag: 'known' });
    const { spec, parameters } = await loadNowcaster(to);
    expect(spec).toEqual({ ...PAPER_SPEC, normalization: 'none' });
    for (const kind of DEFAULT_KINDS) expect(parameters[kind]).toEqual(parametersOf(PAPER_SPEC, kind));
    expect(manifest.dataset).toBeNull();
    expect(manifest.kinds.conv).toMatchObject({ training: null, source: { file: 'NWNN_Conv_made.h5' } });
  });

  test('taken in the order conv, fc, bias when their names say nothing', async () => {
    const path = await weightFiles();
    const from = DEFAULT_KINDS.map((kind, i) => {
      const copy = join(root, `${i}.safetensors`);
      cpSync(path(kind, 'safetensors'), copy);
      return copy;
    });
    await exportNowcaster({ from, to });
    const { parameters } = await loadNowcaster(to);
    for (const kind of DEFAULT_KINDS) expect(parameters[kind]).toEqual(parametersOf(PAPER_SPEC, kind));
  });
});

/** A training of runs that had no tensors of the conv kind. */
function writeWithoutConv(): void {
  const { dataset, ...record } = writeTraining(training, PAPER_SPEC, ['fc', 'bias']);
  const noConv = { ...record, dataset: { ...dataset, withoutTensors: ['conv'] } };
  writeFileSync(join(training, 'train.json'), JSON.stringify(noConv));
}

test('a kind of which the runs had no tensors is not missed, in a training and in the nowcaster made from it', async () => {
  writeWithoutConv();
  const { manifest } = await exportNowcaster({ from: training, to });
  expect(Object.keys(manifest.kinds)).toEqual(['fc', 'bias']);
  const again = await exportNowcaster({ from: to, to: join(root, 'again') });
  expect(Object.keys(again.manifest.kinds)).toEqual(['fc', 'bias']);
});

describe('bad input gets one line and nothing is written', () => {
  const cases: Record<string, { prepare?: () => void; options: () => Partial<ExportOptions>; message: RegExp }> = {
    'a source that is not there': {
      options: () => ({ from: join(root, 'nowhere') }),
      message: /no such file or directory: .*nowhere; give the directory/,
    },
    'a directory of something else': {
      prepare: () => mkdirSync(training),
      options: () => ({}),
      message: /cannot read the training: .*train\.json/,
    },
    'a training of two kinds only': {
      prepare: () => writeTraining(training, PAPER_SPEC, ['conv', 'fc']),
      options: () => ({}),
      message: /no network for the bias kind: .*training; .*--kind conv fc/,
    },
    'a training whose runs had no tensors of one kind, asked for it': {
      prepare: () => writeWithoutConv(),
      options: () => ({ kinds: ['conv', 'fc', 'bias'] }),
      message: /no network for the conv kind/,
    },
    'a record of another schema version': {
      prepare: () => {
        const record = writeTraining(training);
        writeFileSync(join(training, 'train.json'), JSON.stringify({ ...record, schemaVersion: 99 }));
      },
      options: () => ({}),
      message: /99.*train\.json/,
    },
    'weights that are not those of the record': {
      prepare: () => {
        writeTraining(training);
        cpSync(join(training, 'fc/best.safetensors'), join(training, 'conv/best.safetensors'));
      },
      options: () => ({}),
      message: /not the weights that train\.json describes: .*conv\/best\.safetensors/,
    },
    'an unknown format': {
      prepare: () => writeTraining(training),
      options: () => ({ formats: ['pickle' as never] }),
      message: /unknown format: pickle; known: tfjs, h5/,
    },
    'an unknown kind': {
      prepare: () => writeTraining(training),
      options: () => ({ kinds: ['other' as never] }),
      message: /unknown value other: --kind; use conv, fc, bias/,
    },
    'a tag that leaves the directory': {
      prepare: () => writeTraining(training),
      options: () => ({ tag: '../x' }),
      message: /the tag "\.\.\/x" does not fit into a file name/,
    },
    'two files for one kind': {
      prepare: () => {
        for (const name of ['a_conv.h5', 'b_conv.h5']) writeFileSync(join(root, name), '');
      },
      options: () => ({ from: [join(root, 'a_conv.h5'), join(root, 'b_conv.h5')] }),
      message: /two files for the conv kind/,
    },
    'files of different networks': {
      prepare: () => {
        writeTraining(training);
        writeTraining(join(root, 'other'), SPECS.relu);
        cpSync(join(training, 'fc/best.safetensors'), join(root, 'fc.safetensors'));
        cpSync(join(root, 'other/conv/best.safetensors'), join(root, 'conv.safetensors'));
      },
      options: () => ({ from: [join(root, 'conv.safetensors'), join(root, 'fc.safetensors')], kinds: ['conv', 'fc'] }),
      message: /its network differs from that of conv\.safetensors: .*fc\.safetensors/,
    },
  };
  for (const [name, { prepare, options, message }] of Object.entries(cases)) {
    test(name, async () => {
      prepare?.();
      const attempt = exportNowcaster({ from: training, to, ...options() });
      await expect(attempt).rejects.toThrow(message);
      await expect(attempt).rejects.toThrow(WnnError);
      await expect(attempt).rejects.not.toThrow(/\n/);
      expect(existsSync(to)).toBe(false);
    });
  }

  test('a target that holds something else stays as it is, whatever is asked for', async () => {
    writeTraining(training);
    mkdirSync(to);
    writeFileSync(join(to, 'thesis.txt'), 'mine');
    await expect(exportNowcaster({ from: training, to, overwrite: true })).rejects.toThrow(
      /other files than an earlier export: .*thesis\.txt; /,
    );
    expect(listFiles(to)).toEqual(['thesis.txt']);
    await expect(exportNowcaster({ from: training, to: join(to, 'thesis.txt') })).rejects.toThrow(
      /a file stands where/,
    );
  });
});

describe('a damaged nowcaster directory is refused in one line', () => {
  const cases: Record<string, [damage: () => void, message: RegExp]> = {
    'a kind is missing': [
      () => rmSync(join(to, 'tfjs/bias'), { recursive: true }),
      /no such file: .*tfjs\/bias\/model\.json/,
    ],
    'weights cut off': [
      () => writeFileSync(join(to, 'tfjs/fc/weights.bin'), new Uint8Array(100)),
      /100 bytes, its manifest says 37700: .*fc\/weights\.bin/,
    ],
    'another schema version': [
      () => rewrite({ schemaVersion: 2 }),
      /schema version 2, this version reads 1: .*nowcaster\.json/,
    ],
    'a spec that is none': [() => rewrite({ spec: { inputLength: 1 } }), /inputLength must be a whole number/],
    'a spec of another network': [() => rewrite({ spec: SPECS.relu }), /26 arrays, the spec has 10/],
    'not JSON': [() => writeFileSync(join(to, 'nowcaster.json'), '{'), /not a JSON file: .*nowcaster\.json/],
    'a weight that is not a number': [
      () => {
        const path = join(to, 'tfjs/conv/weights.bin');
        const bytes = readFileSync(path);
        bytes.writeFloatLE(Number.NaN, 0);
        writeFileSync(path, bytes);
        listAnew();
      },
      /a weight of values_in\/kernel is NaN: .*conv\/model\.json/,
    ],
    'weights outside the directory': [
      () => {
        const path = join(to, 'tfjs/conv/model.json');
        writeFileSync(path, readFileSync(path, 'utf8').replace('"weights.bin"', '"../../../training/train.json"'));
        listAnew();
      },
      /leaves the directory: .*conv\/model\.json/,
    ],
  };
  for (const file of [
    'NWNN_Conv_nowcaster.h5',
    'NWNN_FC_nowcaster.safetensors',
    'NWNN_Bias_nowcaster.onnx',
    'tfjs/fc/weights.bin',
  ])
    cases[`a bit of ${file} that is flipped`] = [
      () => {
        const bytes = readFileSync(join(to, file));
        bytes[bytes.length >> 1] ^= 4;
        writeFileSync(join(to, file), bytes);
      },
      new RegExp(`damaged: its SHA-256 is not that of its manifest: .*${file}; copy or export it again`),
    ];
  /** Makes the manifest fit what the files have become. */
  const listAnew = () => {
    const names = listFiles(to).filter((name) => name !== 'nowcaster.json');
    rewrite({ files: describeFiles(Object.fromEntries(names.map((name) => [name, readFileSync(join(to, name))]))) });
  };
  const rewrite = (change: object) => {
    const path = join(to, 'nowcaster.json');
    writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), ...change }));
  };
  for (const [name, [damage, message]] of Object.entries(cases)) {
    test(name, async () => {
      writeTraining(training);
      await exportNowcaster({ from: training, to, formats: ['h5', 'safetensors', 'onnx'] });
      damage();
      await expect(loadNowcaster(to)).rejects.toThrow(message);
      await expect(loadNowcaster(to)).rejects.toThrow(WnnError);
    });
  }
});
