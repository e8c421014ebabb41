// Plain training, the baseline.

import type { MethodDefinition } from './definition.js';

export const plain: MethodDefinition = {
  type: 'plain',
  parse: () => ({ type: 'plain', name: 'plain' }),
  check: () => plain.parse(''),
  describe: () => ({ sentence: 'training as it is', command: 'plain' }),
};
