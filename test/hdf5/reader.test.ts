import { File as H5File, ready } from 'h5wasm';
import { describe, expect, test } from 'vitest';
import { listKerasWeights } from '../../src/hdf5/kerasLayout.js';
import { H5Problem, readH5File } from '../../src/hdf5/reader.js';

/** A file as the HDF5 library writes it. */
async function makeFile(write: (file: H5File) => void): Promise<Uint8Array> {
  const { FS } = await ready;
  const file = new H5File('made.h5', 'w');
  write(file);
  file.close();
  const bytes = FS.readFile('made.h5');
  FS.unlink('made.h5');
  return bytes;
}

describe('an HDF5 file', () => {
  test('lists its groups, datasets and attributes, and gives floats of any precision', async () => {
    const bytes = await makeFile((file) => {
      file.create_attribute('names', ['one', 'two']);
      file.create_attribute('count', 3);
      const group = file.create_group('g');
      group.create_dataset({ name: 'd', data: Float64Array.of(0.1, 2), shape: [2, 1] });
      group.create_dataset({ name: 'i', data: Int32Array.of(1) });
    });
    await readH5File(bytes, async ({ nodes, readFloats }) => {
      expect(nodes).toEqual([
        { path: '/', dataset: null, attributes: { names: ['one', 'two'], count: null } },
        { path: '/g', dataset: null, attributes: {} },
        { path: '/g/d', dataset: { shape: [2, 1], type: 'f64' }, attributes: {} },
        { path: '/g/i', dataset: { shape: [1], type: 'whole' }, attributes: {} },
      ]);
      expect(await readFloats(['/g/d', '/g/d'])).toEqual([Float32Array.of(0.1, 2), Float32Array.of(0.1, 2)]);
      await expect(readFloats(['/g/i'])).rejects.toThrow(/does not hold floats/);
    });
  });

  test('that compresses far more than weights do is not unpacked', async () => {
    const bytes = await makeFile((file) => {
      const [name, data] = ['zeros', new Float32Array(20e6)];
      file.create_dataset({ name, data, shape: [20e6], chunks: [1e6], compression: 'gzip' });
    });
    expect(bytes.length).toBeLessThan(200_000);
    const reading = readH5File(bytes, ({ readFloats }) => readFloats(['/zeros']));
    await expect(reading).rejects.toThrow(/should have 80000000 bytes, the file has/);
    await expect(reading).rejects.toThrow(H5Problem);
  });

  test('that claims more than it has is refused before memory is taken for it', async () => {
    const bytes = Buffer.from(
      await makeFile((file) => file.create_dataset({ name: 'w', data: Float32Array.of(1, 2, 3) })),
    );
    // The one dimension of three stands in the dataspace as 64 bits, twice: its size and its greatest size.
    const three = Buffer.alloc(8);
    three.writeBigUInt64LE(3n);
    for (let at = bytes.indexOf(three); at >= 0; at = bytes.indexOf(three, at + 8))
      bytes.writeBigUInt64LE(2n ** 28n, at);
    const reading = readH5File(bytes, ({ readFloats }) => readFloats(['/w']));
    await expect(reading).rejects.toThrow(H5Problem);
  });

  test('of something other than Keras has no layers', async () => {
    const bytes = await makeFile((file) => file.create_dataset({ name: 'a', data: Float32Array.of(1) }));
    await readH5File(bytes, async ({ nodes }) => {
      expect(() => listKerasWeights(nodes)).toThrow(/holds no Keras weights/);
    });
  });
});
