// Validating an average of the weights in a training: what the methods that average and the setting `validate` of all methods
// share.

import type { Averaging } from '../../callback/averages/index.js';
import { AveragedWeights, type AveragedWeightsOptions } from '../../callback/index.js';
import type { MethodTraining } from './definition.js';

/** The hooks of a training that validate an average. Training itself stays as it is. */
export function averageTraining(
  { definition, parameter }: Averaging,
  epochs: number,
): Required<Pick<MethodTraining, 'callback' | 'validationWeights' | 'dispose'>> {
  const options = { average: definition.name, [definition.parameter.name]: parameter, epochs };
  const averaged = new AveragedWeights(options as AveragedWeightsOptions);
  return {
    callback: averaged,
    async validationWeights() {
      // The validation comes before the callbacks' ends of the epoch.
      averaged.endEpoch();
      return averaged.value();
    },
    dispose: async () => averaged.dispose(),
  };
}
