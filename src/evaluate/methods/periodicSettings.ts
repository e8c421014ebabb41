// The settings of methods that nowcast once a period, as the callback's options have them.

import type { ForecastingOptions, Recalibration, SnapshotCount } from '../../callback/index.js';
import { isSnapshotCount } from '../../callback/loopOptions.js';
import { TRAINED_KINDS, type TrainedKind } from '../../nowcaster/spec.js';
import { describeCadence, parseCadence, type SnapshotCadence } from '../../trajectory/cadence.js';
import { choiceSetting, type MethodSetting, type MethodSettings, numberSetting } from './setting.js';

/** Values of the settings in a method's data, where given. */
export interface PeriodicSettings {
  watch: 'on' | 'off';
  budget?: number;
  cadence?: string;
  period?: number;
  start?: number;
  stepScale?: number | 'adaptive';
  stepScaleDecay?: 'linear' | 'cosine';
  kinds?: string;
  keepNorm: 'on' | 'off';
  recalibrate?: number;
}

/** A step scale: a number, or `adaptive`. */
function stepScaleSetting(): MethodSetting<number | 'adaptive'> {
  const number = numberSetting('', { above: 0, to: 10 });
  return {
    describe: 'multiplier on the predicted update, or how it adapts',
    values: `${number.values}, or adaptive`,
    parse: (text) => (text === 'adaptive' ? text : number.parse(text)),
  };
}

/** A number of snapshots over the training in words: `30snapshots`. */
const COUNT = /^([1-9]\d{0,6})snapshots$/;

/** The callback's cadence of words. */
function readCadence(text: string): SnapshotCadence | SnapshotCount {
  const [, count] = COUNT.exec(text) ?? [];
  return count === undefined ? parseCadence(text, 'cadence') : { snapshots: Number(count) };
}

/** The words of a cadence as a phrase: `every 10 steps`, `30 over the training`. */
export function describeCadenceSetting(text: string): string {
  const cadence = readCadence(text);
  return isSnapshotCount(cadence) ? `${cadence.snapshots} over the training` : describeCadence(cadence);
}

/** A cadence in words: `epoch`, `100steps`, `30snapshots`. */
const cadenceSetting: MethodSetting<string> = {
  describe: 'when snapshots are taken',
  values: 'e.g. 100steps, 2epochs, or 30snapshots over the training',
  parse(text) {
    try {
      readCadence(text);
      return text;
    } catch {
      return null;
    }
  },
};

/** Kinds of tensors, joined by `+`. */
const kindsSetting: MethodSetting<string> = {
  describe: 'kinds of tensors to nowcast',
  values: `some of ${TRAINED_KINDS.join('+')}`,
  parse: (text) => (text.split('+').every((kind) => TRAINED_KINDS.includes(kind as TrainedKind)) ? text : null),
};

/** The settings that all methods which nowcast once a period share. */
export const PERIODIC_SETTINGS: MethodSettings<PeriodicSettings> = {
  watch: choiceSetting('rolls back nowcasts that did not help', ['on', 'off'], 'on'),
  budget: numberSetting('share of the training that rolled-back nowcasts may cost', { above: 0, below: 1 }),
  cadence: cadenceSetting,
  period: numberSetting('snapshots from one nowcast to the next', { from: 1, whole: true }),
  start: numberSetting('first snapshot (from 0) after which a nowcast may happen', { from: 0, whole: true }),
  stepScale: stepScaleSetting(),
  stepScaleDecay: choiceSetting('decrease of the step scale over the last half of the training', ['linear', 'cosine']),
  kinds: kindsSetting,
  keepNorm: choiceSetting('filters directly before batch-norm keep their norms', ['on', 'off'], 'off'),
  recalibrate: numberSetting('training batches from which moving statistics are estimated after each nowcast', {
    from: 1,
    whole: true,
  }),
};

/**
 * The callback's options for settings.
 *
 * @param batches the training's, for `recalibrate`.
 */
export function optionsOfSettings(settings: PeriodicSettings, batches: Recalibration['batches']): ForecastingOptions {
  const { watch, budget, cadence, period, start, stepScale, stepScaleDecay, kinds, keepNorm, recalibrate } = settings;
  return {
    watch: watch === 'off' ? false : { budget },
    cadence: cadence === undefined ? undefined : readCadence(cadence),
    period,
    start,
    stepScale,
    stepScaleDecay: stepScaleDecay && { shape: stepScaleDecay },
    kinds: kinds?.split('+') as TrainedKind[] | undefined,
    keepNorm: keepNorm === 'on',
    recalibrate: recalibrate === undefined ? undefined : { batches, n: recalibrate },
  };
}
