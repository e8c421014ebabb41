import type * as Tf from '@tensorflow/tfjs-core';
import type * as Tfl from '@tensorflow/tfjs-layers';
import type { WeightForecasting } from '../../../src/callback/index.js';

/** One value an epoch. */
export interface Curves {
  loss: number[];
  accuracy: number[];
}

export interface TrainingResult {
  without: Curves;
  with: Curves;
  nowcasts: number;
}

export function trainBoth(
  tf: typeof Tf,
  tfl: typeof Tfl,
  weightForecasting: () => WeightForecasting,
  images: Uint8Array,
  labels: Uint8Array,
): Promise<TrainingResult>;
