// Plain training, the baseline.

import type { MethodDefinition } from './definition.js';

export const plain: MethodDefinition = {
  type: 'plain',
  describe: () => ({ sentence: 'training as it is', command: 'plain' }),
};
