// Reads the four IDX files of MNIST and similar datasets, plain or gzip-compressed.

import { CorruptFileError } from '../../errors.js';
import { decodeIdx } from '../../formats/idx.js';
import { type DataParts, locateFile } from '../dataSource.js';
import type { ImageShape } from '../imageShape.js';
import { ImageExamples } from '../images.js';
import { readExistingFile } from '../readFile.js';

/** Paths of the four files. */
interface IdxPaths {
  trainImages: string;
  trainLabels: string;
  validationImages: string;
  validationLabels: string;
}

/**
 * Finds `{train,t10k}-images-idx3-ubyte` and `{train,t10k}-labels-idx1-ubyte` in a directory, each plain or `.gz`.
 *
 * @param name of the dataset, for errors.
 * @throws MissingFileError when one does not exist.
 */
export function locateIdxImages(directory: string, name: string): IdxPaths {
  const find = (file: string) => locateFile(directory, [file, `${file}.gz`], name);
  return {
    trainImages: find('train-images-idx3-ubyte'),
    trainLabels: find('train-labels-idx1-ubyte'),
    validationImages: find('t10k-images-idx3-ubyte'),
    validationLabels: find('t10k-labels-idx1-ubyte'),
  };
}

/**
 * Reads the four files that {@link locateIdxImages} finds.
 *
 * @param shape of one image; one channel.
 * @throws MissingFileError when one does not exist; {@link CorruptFileError} when shapes or labels are not as expected.
 */
export function readIdxImages(directory: string, name: string, shape: ImageShape, classes: number): DataParts {
  const paths = locateIdxImages(directory, name);
  return {
    train: readPart(paths.trainImages, paths.trainLabels, shape, classes),
    validation: readPart(paths.validationImages, paths.validationLabels, shape, classes),
  };
}

function readPart(imagesPath: string, labelsPath: string, shape: ImageShape, classes: number): ImageExamples {
  const images = decodeIdx(readExistingFile(imagesPath), imagesPath);
  const labels = decodeIdx(readExistingFile(labelsPath), labelsPath);
  const [height, width] = shape;
  if (!(images.values instanceof Uint8Array && images.shape.slice(1).join() === [height, width].join())) {
    throw unexpected(`images of shape [${images.shape}] instead of [n,${height},${width}] bytes`, imagesPath);
  }
  if (!(labels.values instanceof Uint8Array && labels.shape.join() === String(images.shape[0]))) {
    throw unexpected(`labels of shape [${labels.shape}] instead of [${images.shape[0]}] bytes`, labelsPath);
  }
  const wrong = labels.values.findIndex((label) => label >= classes);
  if (wrong >= 0) throw unexpected(`label ${labels.values[wrong]} at ${wrong}, of ${classes} classes`, labelsPath);
  return new ImageExamples(shape, images.values, labels.values);
}

function unexpected(what: string, where: string): CorruptFileError {
  return new CorruptFileError({ what, where, remedy: 'fetch the file again' });
}
