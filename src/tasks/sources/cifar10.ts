// CIFAR-10 (Krizhevsky, 2009): 50,000 + 10,000 color photographs, 32x32, in its official binary batches: records of one
// label byte and 3,072 pixel bytes, red plane first, then green, then blue (https://www.cs.toronto.edu/~kriz/cifar.html).

import { join } from 'node:path';
import { CorruptFileError } from '../../errors.js';
import { type DataSource, locateFile } from '../dataSource.js';
import type { ImageShape } from '../imageShape.js';
import { ImageExamples } from '../images.js';
import { readExistingFile } from '../readFile.js';
import { unpackTarGz } from '../unpack.js';

const SHAPE: ImageShape = [32, 32, 3];
const CLASSES = 10;
const PLANE = 32 * 32;
const RECORD = 1 + 3 * PLANE;
const TRAIN_FILES = [1, 2, 3, 4, 5].map((batch) => `data_batch_${batch}.bin`);
const VALIDATION_FILE = 'test_batch.bin';

export const cifar10: DataSource = {
  name: 'cifar10',
  inputShape: SHAPE,
  classes: CLASSES,
  unit: 'images',
  downloads: [
    {
      url: 'https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz',
      bytes: 170052171,
      checksum: { algorithm: 'md5', hex: 'c32a1d4ab5d03f1284b67883e8d87530' },
      unpack: unpackTarGz,
    },
  ],
  locate: (directory) => [...TRAIN_FILES, VALIDATION_FILE].map((file) => locateBatch(directory, file)),
  read: (directory) => ({
    train: readCifarBatches(TRAIN_FILES.map((file) => locateBatch(directory, file))),
    validation: readCifarBatches([locateBatch(directory, VALIDATION_FILE)]),
  }),
};

/** The batches may still be in the folder of the official archive. */
function locateBatch(directory: string, file: string): string {
  return locateFile(directory, [file, join('cifar-10-batches-bin', file)], 'cifar10');
}

/**
 * Reads CIFAR-10's binary batches, one after another, into images of [32, 32, 3].
 *
 * @throws MissingFileError, or {@link CorruptFileError} when a file has an incomplete record or a label above 9.
 */
function readCifarBatches(paths: readonly string[]): ImageExamples {
  const batches = paths.map((path) => ({ path, bytes: readExistingFile(path) }));
  for (const { path, bytes } of batches) {
    if (bytes.length === 0 || bytes.length % RECORD !== 0) {
      throw corrupt(`${bytes.length} bytes, not a whole number of ${RECORD}-byte records`, path);
    }
  }
  const count = batches.reduce((sum, { bytes }) => sum + bytes.length / RECORD, 0);
  const pixels = new Uint8Array(count * 3 * PLANE);
  const labels = new Uint8Array(count);
  let image = 0;
  for (const { path, bytes } of batches) {
    for (let record = 0; record < bytes.length; record += RECORD, image++) {
      labels[image] = bytes[record];
      if (labels[image] >= CLASSES) throw corrupt(`label ${labels[image]} at byte ${record}`, path);
      let to = image * 3 * PLANE;
      for (let from = record + 1; from < record + 1 + PLANE; from++) {
        pixels[to++] = bytes[from];
        pixels[to++] = bytes[from + PLANE];
        pixels[to++] = bytes[from + 2 * PLANE];
      }
    }
  }
  return new ImageExamples(SHAPE, pixels, labels);
}

function corrupt(what: string, where: string): CorruptFileError {
  return new CorruptFileError({
    what: `not a CIFAR-10 binary batch (${what})`,
    where,
    remedy: 'fetch it again with `wnn data get cifar10`',
  });
}
