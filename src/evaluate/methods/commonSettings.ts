// The settings that every method takes.

import { parseAveraging, printAveraging } from '../../callback/averages/index.js';
import { UsageError } from '../../errors.js';
import { parseSchedule, scheduleWords } from '../../tasks/schedules/index.js';
import type { OptimizerInfo } from '../../trajectory/schema.js';
import { type MethodSetting, numberSetting } from './setting.js';
import type { DeclaredSettings } from './text.js';

/** Key of the setting that validates an average; not for methods that validate weights of their own. */
export const VALIDATE_KEY = 'validate';

/** A setting whose text is brought into its one spelling by a function that throws a UsageError for an impossible one. */
function textSetting(describe: string, values: string, spell: (text: string) => string): MethodSetting<string> {
  return {
    describe,
    values,
    // `ema0.99`, `cosine`: which setting it is, the value says itself.
    nameOf: (value) => value.replace(':', ''),
    parse(text) {
      try {
        return spell(text);
      } catch (error) {
        if (error instanceof UsageError) return null;
        throw error;
      }
    },
  };
}

/** The settings of all methods but the name. */
export const COMMON_SETTINGS = {
  learningRate: numberSetting('learning rate in place of the evaluation’s', { above: 0 }),
  schedule: textSetting(
    'learning-rate schedule in place of the evaluation’s',
    scheduleWords().join(', '),
    (text) => parseSchedule(text).text,
  ),
  [VALIDATE_KEY]: textSetting(
    'validates an average of the weights in place of the trained ones',
    'ema:DECAY, lawa:K or swa:START',
    (text) => printAveraging(parseAveraging(text)),
  ),
} satisfies DeclaredSettings;

/** Values of the common settings in a method's data, where given. */
export interface CommonSettings {
  learningRate?: number;
  schedule?: string;
  validate?: string;
}

/** An optimizer with what a method's common settings say in its place. */
export function applyToOptimizer({ learningRate, schedule }: CommonSettings, optimizer: OptimizerInfo): OptimizerInfo {
  return {
    ...optimizer,
    ...(learningRate === undefined ? {} : { learningRate }),
    ...(schedule === undefined ? {} : { schedule }),
  };
}
