// Five trainings of five sorts of networks for two cores: none of the shipped nowcaster's training runs is of such a network
// on such data. Each is sized to about two minutes on one core (bench/README.md), so that three seeds, four methods and the
// trials of their tuning take three hours on two.

import type { Suite } from './suite.js';

const adam = (learningRate: number) => ({ name: 'adam', learningRate });

export const small: Suite = {
  name: 'small',
  description: 'five small networks: plain, residual and depthwise CNNs, a GRU and a transformer',
  entries: [
    {
      task: 'cifar10/simplenet',
      epochs: 20,
      batchSize: 128,
      epochExamples: 12_500,
      validationExamples: 2000,
      optimizer: adam(0.001),
    },
    {
      task: 'cifar10/resnet-14?width=0.5',
      epochs: 15,
      batchSize: 64,
      epochExamples: 2500,
      validationExamples: 1000,
      optimizer: adam(0.001),
    },
    {
      task: 'cifar10/mobilenet?width=0.25',
      epochs: 15,
      batchSize: 64,
      epochExamples: 2500,
      validationExamples: 1000,
      optimizer: adam(0.001),
    },
    {
      task: 'bible/chargru?width=0.5',
      epochs: 15,
      batchSize: 32,
      epochExamples: 1200,
      validationExamples: 500,
      optimizer: adam(0.003),
    },
    {
      task: 'bible/gpt?depth=2',
      epochs: 15,
      batchSize: 32,
      epochExamples: 1800,
      validationExamples: 500,
      optimizer: adam(0.001),
    },
  ],
};
