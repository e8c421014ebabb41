// An importer from outside of the toolkit, of a made-up format: `#weights`, then a line a tensor: name, kind of elements,
// sizes, values.

import { readFileSync } from 'node:fs';

export default {
  id: 'lines',
  describe: '.lines of numbers as text',
  ending: /\.lines$/,
  recognizes: ({ text }) => text.startsWith('#weights'),
  open: async (path, take) => {
    const rows = readFileSync(path, 'utf8')
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.split(' '));
    await take({
      tensors: rows.map(([name, type, sizes, values]) => ({
        name,
        type: type === 'float' ? 'f32' : 'whole',
        shape: sizes.split('x').map(Number),
        read: () => Float32Array.from(values.split(','), Number),
      })),
    });
  },
};
