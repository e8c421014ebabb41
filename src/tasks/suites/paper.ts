// The nowcasting paper's experiment (Jang et al., 2023): its plain CNN on CIFAR-10.

import type { Suite } from './suite.js';

export const paper: Suite = {
  name: 'paper',
  description: "the nowcasting paper's experiment, the plain CNN on CIFAR-10",
  entries: [
    {
      task: 'cifar10/simplenet',
      epochs: 50,
      batchSize: 1024,
      optimizer: { name: 'adam', learningRate: 0.001 },
    },
  ],
};
