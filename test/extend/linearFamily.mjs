// A family of one dense layer: a linear map of the window. The walk of docs/extending.md.

import { registerFamily } from 'weight-nowcaster/extend';

registerFamily({
  id: 'linear-map',
  description: 'a linear map of the window',
  defaultConfig: {},
  graph: ({ horizons }) => [
    { op: 'input', name: 'window', input: 'window' },
    { op: 'dense', name: 'head', of: 'window', units: horizons.length },
  ],
});
