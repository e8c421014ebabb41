import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { File as H5File, ready } from 'h5wasm';
import { describe, expect, test } from 'vitest';
import { CorruptFileError, MismatchError, MissingFileError } from '../../src/errors.js';
import { encodeH5 } from '../../src/export/formats/h5.js';
import { decodeH5, readH5 } from '../../src/export/h5Read.js';
import { initParameters } from '../../src/network/init.js';
import { DEFAULT_KINDS, KIND_FILE_NAMES, networkOf, PAPER_SPEC } from '../../src/nowcaster/spec.js';
import { Random } from '../../src/random.js';
import { SPECS } from '../families/wnn/samples.js';

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));

/** Runs a change on an HDF5 file in memory and returns its bytes. */
async function edit(bytes: Uint8Array | null, change: (file: H5File) => void): Promise<Uint8Array> {
  const { FS } = await ready;
  if (bytes) FS.writeFile('edit.h5', bytes);
  const file = new H5File('edit.h5', bytes ? 'a' : 'w');
  change(file);
  file.close();
  return FS.readFile('edit.h5');
}

describe('what is written is read', () => {
  for (const [name, spec] of Object.entries(SPECS)) {
    test(name, async () => {
      const parameters = initParameters(networkOf(spec), 3);
      const bytes = await encodeH5(networkOf(spec), parameters);
      // The file says neither; the others follow from its layers.
      const { normalization, horizons, residual } = spec;
      expect(await decodeH5(bytes, 'file', { normalization, horizons, residual })).toEqual({ spec, parameters });
    });
  }

  test('equal input gives equal bytes, at any time', async () => {
    const parameters = initParameters(networkOf(PAPER_SPEC), 3);
    const first = await encodeH5(networkOf(PAPER_SPEC), parameters);
    await new Promise((resolve) => setTimeout(resolve, 1100));
    expect(Buffer.from(await encodeH5(networkOf(PAPER_SPEC), parameters)).equals(first)).toBe(true);
  });

  test('layers, names and attributes are laid out as in the published files', async () => {
    const bytes = await encodeH5(networkOf(PAPER_SPEC), initParameters(networkOf(PAPER_SPEC), 3));
    const { FS } = await ready;
    FS.writeFile('layout.h5', bytes);
    const file = new H5File('layout.h5', 'r');
    const { layer_names: layerNames, backend, keras_version: version } = file.attrs;
    expect([backend.value, version.value]).toEqual(['tensorflow', '2.2.4']);
    expect(layerNames.metadata).toMatchObject({ vlen: false, cset: 0, shape: [26] });
    const withWeights = (layerNames.value as string[]).filter((name) => file.get(`${name}/${name}`) !== null);
    expect(withWeights).toEqual(networkOf(PAPER_SPEC).layers.map(({ name }) => name));
    const { weight_names: weightNames } = (file.get('values_in') as H5File).attrs;
    expect(weightNames.metadata).toMatchObject({ vlen: false, cset: 0, shape: [2] });
    expect(weightNames.value).toEqual(['values_in/kernel:0', 'values_in/bias:0']);
    expect((file.get('values') as H5File).attrs.weight_names.metadata).toMatchObject({ type: 1, size: 8, shape: [0] });
    file.close();
  });
});

describe('what others write is read', () => {
  const expected = initParameters(networkOf(PAPER_SPEC), 7);

  test('Keras 3 weights', async () => {
    expect(await readH5(fixture('keras3.weights.h5'))).toEqual({ spec: PAPER_SPEC, parameters: expected });
  });

  test('half floats, big-endian, chunked, compressed, names of variable length', async () => {
    const { parameters } = await readH5(fixture('half.h5'));
    parameters.forEach((x, i) => {
      expect(Math.abs(x - expected[i])).toBeLessThanOrEqual(2 ** -11 * Math.abs(expected[i]) + 2 ** -25);
    });
    expect(parameters).not.toEqual(expected);
  });

  test('double floats, and the weights inside a whole saved model', async () => {
    const bytes = await edit(null, (file) => {
      const root = file.create_group('model_weights');
      const { layers } = networkOf(PAPER_SPEC);
      const names = layers.map((_, i) => `dense_${40 - i}`);
      root.create_attribute('layer_names', names);
      for (const [i, { inputs, units, kernel, bias }] of layers.entries()) {
        const group = root.create_group(names[i]);
        group.create_attribute('weight_names', ['k', 'b']);
        const kernelData = Float64Array.from(expected.subarray(kernel, bias));
        group.create_dataset({
          name: 'k',
          data: kernelData,
          shape: [inputs, units],
          chunks: [2, 1],
          compression: 'gzip',
        });
        group.create_dataset({ name: 'b', data: Float64Array.from(expected.subarray(bias, bias + units)) });
      }
    });
    expect((await decodeH5(bytes, 'file')).parameters).toEqual(expected);
  });
});

describe('what is not a network is refused in one line', () => {
  const good = () => encodeH5(networkOf(PAPER_SPEC), initParameters(networkOf(PAPER_SPEC), 3));

  test('no such file, not HDF5, cut off', async () => {
    await expect(readH5('/no/such/file.h5')).rejects.toThrow(MissingFileError);
    await expect(decodeH5(new TextEncoder().encode('{}'), 'x.h5')).rejects.toThrow(CorruptFileError);
    await expect(decodeH5((await good()).subarray(0, 60_000), 'x.h5')).rejects.toThrow(
      /^not a whole HDF5 file of Keras weights \(.*\): x\.h5; export or download it again$/,
    );
  });

  test('an HDF5 file of something else', async () => {
    const bytes = await edit(null, (file) => file.create_dataset({ name: 'a', data: Float32Array.of(1) }));
    await expect(decodeH5(bytes, 'x.h5')).rejects.toThrow(/it holds no Keras weights/);
  });

  test('another network', async () => {
    const bytes = await edit(null, (file) => {
      file.create_attribute('layer_names', ['dense']);
      const group = file.create_group('dense');
      group.create_attribute('weight_names', ['k', 'b']);
      group.create_dataset({ name: 'k', data: new Float32Array(6), shape: [2, 3] });
      group.create_dataset({ name: 'b', data: new Float32Array(3) });
    });
    await expect(decodeH5(bytes, 'x.h5')).rejects.toThrow(MismatchError);
    await expect(decodeH5(bytes, 'x.h5')).rejects.toThrow(
      /its layers are not those of a nowcaster: \[2,3\]\[3\]: x\.h5/,
    );
  });

  test('a layer too few, a wrong shape, integers', async () => {
    const [first, ...others] = networkOf(PAPER_SPEC).layers.map(({ name }) => name);
    const missing = await edit(await good(), (file) => {
      file.delete_attribute('layer_names');
      file.create_attribute('layer_names', others);
    });
    await expect(decodeH5(missing, 'x.h5')).rejects.toThrow(/\(12 layers\)/);
    const wrong = (data: Float32Array | Int32Array, shape: number[]) => async () =>
      edit(await good(), (file) => {
        const group = file.get(first) as H5File;
        group.delete_attribute('weight_names');
        group.create_attribute('weight_names', ['k', 'b']);
        group.create_dataset({ name: 'k', data, shape });
        group.create_dataset({ name: 'b', data: new Float32Array(64) });
      });
    const reshaped = await wrong(new Float32Array(320), [64, 5])();
    await expect(decodeH5(reshaped, 'x.h5')).rejects.toThrow(MismatchError);
    const integers = await wrong(new Int32Array(320), [5, 64])();
    await expect(decodeH5(integers, 'x.h5')).rejects.toThrow(/does not hold floats/);
  });

  test('weights that are not finite', async () => {
    const parameters = initParameters(networkOf(PAPER_SPEC), 3);
    parameters[5] = Number.NaN;
    await expect(decodeH5(await encodeH5(networkOf(PAPER_SPEC), parameters), 'x.h5')).rejects.toThrow(
      /values_in\/kernel is NaN: x/,
    );
  });

  test('several outputs without their horizons', async () => {
    const spec = { ...PAPER_SPEC, horizons: [3, 5] };
    const bytes = await encodeH5(networkOf(spec), initParameters(networkOf(spec), 3));
    await expect(decodeH5(bytes, 'x.h5')).rejects.toThrow(/say how many snapshots ahead each output predicts/);
  });

  // `npm run verify:imports` tries more.
  const cases = Number(process.env.WNN_FUZZ_CASES ?? 200);
  test(`${cases} mutations are read or refused: no crash, no hang, and the next good file is read`, async () => {
    const bytes = await good();
    const expected = await decodeH5(bytes, 'good');
    const random = new Random(1, 'mutations');
    let refused = 0;
    for (let i = 0; i < cases; i++) {
      const kind = random.below(5);
      const mutant = kind === 0 ? bytes.slice(0, random.below(bytes.length)) : bytes.slice();
      // Anywhere, in the superblock, among the first groups; random bytes or all ones (undefined addresses, NaN).
      const region = [bytes.length, bytes.length, 100, 20_000, bytes.length][kind];
      const count = kind === 0 ? 0 : 1 + random.below(kind === 1 ? 1 : 8);
      for (let k = 0; k < count; k++) mutant[random.below(region)] = kind === 4 ? 255 : random.below(256);
      try {
        const { parameters } = await decodeH5(mutant, 'mutant.h5');
        expect(parameters.length).toBe(9425);
      } catch (error) {
        refused++;
        if (!(error instanceof CorruptFileError || error instanceof MismatchError)) throw error;
        expect(error.message).toContain('mutant.h5');
        expect(error.message).not.toContain('\n');
      }
      if (i % 50 === 0) expect(await decodeH5(bytes, 'good')).toEqual(expected);
    }
    expect(refused).toBeGreaterThan(cases / 2);
  }, 120_000);
});

const reference = new URL('../../../shared/reference/', import.meta.url);

describe.skipIf(!existsSync(reference))('the published files (skipped where ../shared/reference is absent)', () => {
  for (const name of ['NWNN_%_13.h5', 'KNOWN_%.h5']) {
    for (const kind of DEFAULT_KINDS) {
      test(`${name.replace('%', KIND_FILE_NAMES[kind])} is read, and written again the same`, async () => {
        const path = fileURLToPath(new URL(name.replace('%', KIND_FILE_NAMES[kind]), reference));
        const network = await readH5(path);
        expect(network.spec).toEqual(PAPER_SPEC);
        expect(await decodeH5(await encodeH5(networkOf(network.spec), network.parameters), 'copy')).toEqual(network);
        // The arrays stand in the file as they are, so each must be found among its bytes.
        const bytes = readFileSync(path);
        for (const { kernel, bias } of networkOf(PAPER_SPEC).layers)
          expect(bytes.indexOf(new Uint8Array(network.parameters.slice(kernel, bias).buffer))).toBeGreaterThan(0);
      });
    }
  }
});
