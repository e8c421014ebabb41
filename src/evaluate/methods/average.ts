// Plain training validated by an average of its weights. Which averages there are is the list of callback/averages.

import { findAveraging } from '../../callback/averages/index.js';
import type { AverageDefinition } from '../../callback/index.js';
import type { Method } from '../../evaluation/schema.js';
import type { MethodDefinition } from './definition.js';
import type { MethodSetting } from './setting.js';

/** The method of one average. */
export function averageMethod({
  name: type,
  describe,
  parameter,
}: AverageDefinition): MethodDefinition<Method, Record<string, number>> {
  const setting: MethodSetting<number> = {
    describe: parameter.describe,
    values: parameter.values,
    default: parameter.default,
    parse: (text) => (text.trim() !== '' && parameter.isValid(Number(text)) ? Number(text) : null),
  };
  return {
    type,
    settings: { [parameter.name]: setting },
    validatesOwn: true,
    describe: () => ({ sentence: `plain training, validated by the ${describe}`, command: type }),
    averaging: (method) => findAveraging(type, method[parameter.name]),
  };
}
