// What a training job imports in a browser: index.ts, and `load` without an address takes the nowcaster that ships with
// the toolkit.

import { readNowcaster } from '../nowcaster/nowcaster.js';
import { SHIPPED_NAME, shippedSource } from './shipped.js';
import { fetchSource } from './source.js';
import { WeightForecasting as PlainWeightForecasting, type WeightForecastingOptions } from './weightForecasting.js';

// The class below takes the place of the one that this exports.
export * from './index.js';

/** {@link PlainWeightForecasting} whose `load` knows the nowcaster that ships with the toolkit. */
export class WeightForecasting extends PlainWeightForecasting {
  /**
   * Loads a nowcaster.
   *
   * @param location address of its directory. Default: the one that ships with the toolkit, which is found where the
   * package's files are served as they are, or a bundler has brought them along.
   * @throws as {@link PlainWeightForecasting.load}.
   */
  static override async load(
    location?: string | URL,
    options: WeightForecastingOptions = {},
  ): Promise<WeightForecasting> {
    const nowcaster =
      location === undefined
        ? await readNowcaster(shippedSource, SHIPPED_NAME)
        : await readNowcaster(fetchSource(location), String(location));
    return new WeightForecasting(nowcaster, options);
  }
}
