// The entry of `weight-nowcaster/callback` in a browser.

import { FETCH_PLATFORM } from './platform.js';
import { SHIPPED_NAME, shippedSource } from './shipped.js';
import { WeightForecasting } from './weightForecasting.js';

export * from './index.js';

WeightForecasting.platform = {
  ...FETCH_PLATFORM,
  openNowcaster: (location) =>
    location === undefined ? { source: shippedSource, name: SHIPPED_NAME } : FETCH_PLATFORM.openNowcaster(location),
};
