// The settings that every method takes.

import { numberSetting } from './setting.js';
import type { DeclaredSettings } from './text.js';

/** Key of the setting that names a method; it is no part of its data but its `name`. */
export const NAME_KEY = 'name';

/** The settings of all methods but the name. */
export const COMMON_SETTINGS = {
  learningRate: numberSetting('learning rate in place of the evaluation’s', { above: 0 }),
} satisfies DeclaredSettings;

/** Values of the common settings in a method's data, where given. */
export interface CommonSettings {
  learningRate?: number;
}
