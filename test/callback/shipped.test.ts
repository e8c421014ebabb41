import { expect, it } from 'vitest';
import { loadNowcaster } from '../../src/callback/node.js';
import { loadShipped } from '../../src/callback/shipped.js';

it('holds the networks of weights/zoo', async () => {
  const { spec, cadence, recommended, parameters } = await loadNowcaster('weights/zoo');
  expect(await loadShipped()).toEqual({ spec, cadence, recommended, parameters });
  expect(Object.keys(parameters)).toEqual(['conv', 'fc', 'bias']);
});
