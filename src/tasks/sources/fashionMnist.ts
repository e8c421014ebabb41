// Fashion-MNIST (Xiao, Rasul and Vollgraf, 2017): 60,000 + 10,000 articles of clothing, 28x28 gray, in MNIST's format.
// Debian's package dataset-fashion-mnist installs the same files under /usr/share/datasets/fashion-mnist.

import type { DataSource } from '../dataSource.js';
import { locateIdxImages, readIdxImages } from './idxImages.js';

const ADDRESS = 'http://fashion-mnist.s3-website.eu-central-1.amazonaws.com';

export const fashionMnist: DataSource = {
  name: 'fashion-mnist',
  inputShape: [28, 28, 1],
  classes: 10,
  unit: 'images',
  // Checksums: README of https://github.com/zalandoresearch/fashion-mnist.
  downloads: [
    ['train-images-idx3-ubyte.gz', 26421880, '8d4fb7e6c68d591d4c3dfef9ec88bf0d'],
    ['train-labels-idx1-ubyte.gz', 29515, '25c81989df183df01b3e8a0aad5dffbe'],
    ['t10k-images-idx3-ubyte.gz', 4422102, 'bef4ecab320f06d8554ea6380940ec79'],
    ['t10k-labels-idx1-ubyte.gz', 5148, 'bb300cfdad3c16e7a12a480ee83cd310'],
  ].map(([file, bytes, md5]) => ({
    url: `${ADDRESS}/${file}`,
    bytes: bytes as number,
    checksum: { algorithm: 'md5', hex: md5 as string },
    unpack: null,
  })),
  locate: (directory) => Object.values(locateIdxImages(directory, 'fashion-mnist')),
  read: (directory) => readIdxImages(directory, 'fashion-mnist', [28, 28, 1], 10),
};
