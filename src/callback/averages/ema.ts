// The exponential moving average of the weights, step by step (Polyak and Juditsky, 1992; for networks e.g. Szegedy et al., 2016).

import { type AverageDefinition, RunningMean } from './average.js';

/**
 * With decay d, the weights after step t have the share (1 - d) d^(n - t) in the average after step n, divided by 1 - d^n as the
 * moments of Adam are, so that the initial weights have none. As a running mean: rate (1 - d) / (1 - d^n).
 */
export const ema: AverageDefinition = {
  name: 'ema',
  describe: 'exponential moving average of the weights, step by step, bias-corrected',
  parameter: {
    name: 'decay',
    describe: 'share of the average that each step keeps',
    default: 0.99,
    values: 'a number above 0 below 1',
    isValid: (value) => value > 0 && value < 1,
  },
  create(decay) {
    const mean = new RunningMean((n) => (1 - decay) / (1 - decay ** n));
    return {
      step: (weights) => mean.follow(weights),
      value: () => mean.value(),
      state: () => mean.state(),
      restore: (state) => mean.restore(state),
      dispose: () => mean.dispose(),
    };
  },
};
