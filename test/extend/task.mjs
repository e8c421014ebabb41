// A task from outside of the toolkit: sixteen gray pixels whose class is the brighter half, and a network of one layer.

import { ImageExamples, registerArchitecture, registerDataSource } from '../../dist/extend.js';

/** `count` images, the label 1 where the lower half is brighter. */
function halves(count) {
  const pixels = Uint8Array.from({ length: 16 * count }, (_, i) => (i * 7919) % 251);
  const labels = Uint8Array.from({ length: count }, (_, n) => {
    const image = pixels.subarray(16 * n, 16 * n + 16);
    const sum = (half) => half.reduce((total, value) => total + value, 0);
    return sum(image.subarray(8)) > sum(image.subarray(0, 8)) ? 1 : 0;
  });
  return new ImageExamples([4, 4, 1], pixels, labels);
}

registerDataSource({
  name: 'halves',
  inputShape: [4, 4, 1],
  classes: 2,
  unit: 'images',
  downloads: null,
  locate: () => [],
  read: () => ({ train: halves(200), validation: halves(50) }),
});

registerArchitecture({
  name: 'one-layer',
  inputRank: 3,
  build: (input, kit) => kit.dense(kit.flatten(input, 'flatten'), 'hidden', kit.scale(6), 'relu'),
});
