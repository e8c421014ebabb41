// Specs and samples that several tests share.

import type { NowcasterSpec } from '../../../src/network/spec.js';
import { PAPER_SPEC } from '../../../src/nowcaster/spec.js';
import { Random } from '../../../src/random.js';
import { normalizeWindows } from '../../../src/windows/normalize.js';

/** The paper's network and each of its variants. */
export const SPECS: Record<string, NowcasterSpec> = {
  paper: PAPER_SPEC,
  'ten inputs, three horizons': { ...PAPER_SPEC, inputLength: 10, horizons: [3, 5, 10] },
  'one stream': { ...PAPER_SPEC, config: { streams: 'values', activation: 'network' } },
  relu: { ...PAPER_SPEC, config: { streams: 'both', activation: 'relu' } },
  'one stream of relu, no normalization': {
    ...PAPER_SPEC,
    config: { streams: 'values', activation: 'relu' },
    normalization: 'none',
    residual: false,
  },
};

/** Raw windows as weights move: drifts, noise, curves, of sizes from 1e-6 to 1. `raw[i][j]`: epoch i of scalar j. */
export function drawRaw(spec: NowcasterSpec, count: number, seed: number): Float32Array[] {
  const raw = Array.from({ length: spec.inputLength }, () => new Float32Array(count));
  const random = new Random(seed, 'raw');
  for (let j = 0; j < count; j++) {
    const size = random.logUniform(1e-6, 1);
    const [start, drift, curve] = [0.2 * random.normal(), size * random.normal(), 0.1 * size * random.normal()];
    for (let i = 0; i < spec.inputLength; i++)
      raw[i][j] = start + drift * i + curve * i * i + 0.1 * size * random.normal();
  }
  return raw;
}

/** Normalized windows with random targets. */
export function drawSamples(
  spec: NowcasterSpec,
  count: number,
  seed: number,
): { windows: Float32Array; targets: Float32Array } {
  const windows = new Float32Array(count * spec.inputLength);
  normalizeWindows(
    spec,
    drawRaw(spec, count, seed),
    0,
    count,
    windows,
    new Float64Array(count),
    new Float64Array(count),
  );
  const random = new Random(seed, 'targets');
  const targets = Float32Array.from({ length: count * spec.horizons.length }, () => 0.5 * random.normal());
  return { windows, targets };
}
