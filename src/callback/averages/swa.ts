// Stochastic weight averaging (Izmailov et al., 2018): the mean of the epoch ends from a share of the training on.

import { UsageError } from '../../errors.js';
import { type AverageDefinition, RunningMean } from './average.js';

export const swa: AverageDefinition = {
  name: 'swa',
  describe: 'mean of the weights at the epoch ends from a share of the budget on',
  parameter: {
    name: 'start',
    describe: 'share of the epochs after which the mean begins',
    default: 0.75,
    values: 'a number from 0 below 1',
    isValid: (value) => value >= 0 && value < 1,
  },
  create(start) {
    const mean = new RunningMean((n) => 1 / n);
    return {
      endEpoch(weights, epoch, epochs) {
        if (epochs === null)
          throw new UsageError({
            what: 'swa needs to know how many epochs the training has',
            where: 'AveragedWeights',
            remedy: 'give the option epochs',
          });
        if (epoch >= Math.floor(start * epochs)) mean.follow(weights);
      },
      value: () => mean.value(),
      state: () => mean.state(),
      restore: (state) => mean.restore(state),
      dispose: () => mean.dispose(),
    };
  },
};
