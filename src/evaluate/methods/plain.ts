// Plain training, the baseline.

import type { MethodDefinition } from './definition.js';

export const plain: MethodDefinition = {
  type: 'plain',
  parse: () => ({ type: 'plain', name: 'plain' }),
  check: ({ name }) => (name === 'plain' ? plain.parse('') : null),
  describe: () => ({ sentence: 'training as it is', command: 'plain' }),
};
