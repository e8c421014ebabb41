// The input of the paper's network: the normalized window itself.

import type { WindowInput } from './input.js';

export const windowInput: WindowInput = {
  name: 'window',
  width: ({ inputLength }) => inputLength,
  fill({ spec: { inputLength: length }, windows, count }, rows, offset, stride) {
    for (let j = 0; j < count; j++)
      for (let i = 0; i < length; i++) rows[offset + j * stride + i] = windows[j * length + i];
  },
};
