// The four IDX files that MNIST and its relatives consist of, plain or gzip-compressed, as image parts.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CorruptFileError } from '../../errors.js';
import { readIdxFile } from '../idx.js';
import { ImageExamples, type ImageShape } from '../images.js';

/**
 * Reads `{train,t10k}-images-idx3-ubyte` and `{train,t10k}-labels-idx1-ubyte` of a directory, each plain or `.gz`.
 *
 * @throws MissingFileError when one is not there; {@link CorruptFileError} when shapes or labels are not those expected.
 */
export function readIdxImages(
  directory: string,
  expected: { inputShape: ImageShape; classes: number },
): { train: ImageExamples; validation: ImageExamples } {
  return {
    train: readPart(directory, 'train', expected),
    validation: readPart(directory, 't10k', expected),
  };
}

function readPart(
  directory: string,
  part: 'train' | 't10k',
  { inputShape, classes }: { inputShape: ImageShape; classes: number },
): ImageExamples {
  const imagesPath = findPlainOrGzip(directory, `${part}-images-idx3-ubyte`);
  const labelsPath = findPlainOrGzip(directory, `${part}-labels-idx1-ubyte`);
  const images = readIdxFile(imagesPath);
  const labels = readIdxFile(labelsPath);
  const [height, width] = inputShape;
  if (
    !(images.values instanceof Uint8Array) ||
    images.shape.length !== 3 ||
    images.shape[1] !== height ||
    images.shape[2] !== width
  ) {
    throw unexpected(`images of shape [${images.shape}] instead of [n,${height},${width}] bytes`, imagesPath);
  }
  if (!(labels.values instanceof Uint8Array) || labels.shape.length !== 1 || labels.shape[0] !== images.shape[0]) {
    throw unexpected(`labels of shape [${labels.shape}] instead of [${images.shape[0]}] bytes`, labelsPath);
  }
  const wrong = labels.values.findIndex((label) => label >= classes);
  if (wrong >= 0) throw unexpected(`label ${labels.values[wrong]} at ${wrong}, of ${classes} classes`, labelsPath);
  return new ImageExamples(inputShape, images.values, labels.values);
}

function findPlainOrGzip(directory: string, name: string): string {
  const plain = join(directory, name);
  return !existsSync(plain) && existsSync(`${plain}.gz`) ? `${plain}.gz` : plain;
}

function unexpected(what: string, where: string): CorruptFileError {
  return new CorruptFileError({ what, where, remedy: 'fetch the file again' });
}
