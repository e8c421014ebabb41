// Jumps along the change of the weights' mean, without a network.

import { MeanLinearForecasting, type MeanLinearSettings } from '../../callback/index.js';
import type { Method } from '../../evaluation/schema.js';
import type { MethodDefinition } from './definition.js';
import { nowcastingMethod } from './periodic.js';
import { describeCadenceSetting, PERIODIC_SETTINGS, type PeriodicSettings } from './periodicSettings.js';
import { numberSetting } from './setting.js';

/** Its settings: those of all nowcasting methods, and its own. */
export type MeanLinearMethodSettings = PeriodicSettings & MeanLinearSettings;

const TYPE = 'mean-linear';
/** Steps from one snapshot to the next: about 8 an epoch of 10,000 examples in batches of 128. */
const CADENCE = '10steps';

export const meanLinear: MethodDefinition<Method, MeanLinearMethodSettings> = {
  type: TYPE,
  settings: {
    ...PERIODIC_SETTINGS,
    cadence: { ...PERIODIC_SETTINGS.cadence, default: CADENCE },
    averaged: numberSetting('snapshots that a mean is of', { from: 1, whole: true, default: 8 }),
    window: numberSetting('means whose change is gone along', { from: 2, whole: true, default: 2 }),
    horizon: numberSetting('snapshots to go along it [default: four means]', { above: 0 }),
  },
  describe: ({ cadence = CADENCE }) => ({
    sentence: `jumps along the change of the weights’ mean, snapshots ${describeCadenceSetting(cadence)}`,
    command: TYPE,
  }),
  ...nowcastingMethod<Method, MeanLinearMethodSettings>(
    ({ averaged, window, horizon }, options) => new MeanLinearForecasting({ averaged, window, horizon, ...options }),
  ),
};
