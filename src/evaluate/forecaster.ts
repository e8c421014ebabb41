// What forecasts for a method.

import * as tf from '@tensorflow/tfjs-core';
import { createDefaultCompute, createNowcasterForecaster, type Forecaster } from '../callback/index.js';
import { loadNowcaster } from '../callback/node.js';
import type { Method } from '../evaluation/schema.js';
import { loadWebgpuKernels } from '../families/webgpuKernels.js';
import type { NetworkCompute } from '../network/compute.js';
import type { NowcasterSpec } from '../network/spec.js';
import { networkOf, PAPER_SPEC, TRAINED_KINDS } from '../nowcaster/spec.js';
import { curveOf } from './curves/index.js';

/** Window and horizon of the curve fits: those of the paper. */
const CURVE_WINDOW = PAPER_SPEC.inputLength;
const CURVE_HORIZON = PAPER_SPEC.horizons[0];

/** The WGSL kernels where trainings run on webgpu, else the callback's default. */
async function createCompute(spec: NowcasterSpec): Promise<NetworkCompute> {
  const openKernels = tf.getBackend() === 'webgpu' ? await loadWebgpuKernels(spec.family) : null;
  if (openKernels === null) return createDefaultCompute(spec);
  return openKernels(spec, networkOf(spec), (tf.backend() as unknown as { device: GPUDevice }).device);
}

/** A forecaster that knows how far ahead it looks. */
export interface MethodForecaster extends Forecaster {
  /** Epochs from the window's last value to the forecast. */
  readonly horizon: number;
}

/**
 * The forecaster of a method that looks at windows; null for those that do not.
 *
 * @throws MissingFileError, CorruptFileError and the like for a nowcaster that cannot be read.
 */
export async function createForecaster(method: Method): Promise<MethodForecaster | null> {
  switch (method.type) {
    case 'plain':
    case 'introspection':
      return null;
    case 'curve': {
      const curve = curveOf(method.name);
      return {
        windowLength: CURVE_WINDOW,
        horizon: CURVE_HORIZON,
        kinds: TRAINED_KINDS,
        forecast: async ({ snapshots }, out) => curve(snapshots, CURVE_HORIZON, out),
        dispose: async () => {},
      };
    }
    case 'nowcaster': {
      const nowcaster = await loadNowcaster(method.directory);
      const forecaster = createNowcasterForecaster(nowcaster, createCompute);
      return { ...forecaster, horizon: Math.max(...nowcaster.spec.horizons) };
    }
    default:
      return method satisfies never;
  }
}
