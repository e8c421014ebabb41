// The entry of `weight-nowcaster/callback` in a browser.

import { FETCH_PLATFORM } from './platform.js';
import { loadShipped } from './shipped.js';
import { WeightForecasting } from './weightForecasting.js';

export * from './index.js';

WeightForecasting.platform = { ...FETCH_PLATFORM, loadShipped };
