// Networks inside a module: their parameters as text that JavaScript decodes. No address is needed for them, so bundlers
// and servers need no setting.

import type { NowcasterSpec } from '../network/spec.js';
import type { SnapshotCadence } from '../trajectory/cadence.js';
import type { Recommendation } from './recommendation.js';
import type { TrainedKind } from './spec.js';

/** What a module holds of a nowcaster. */
export interface EmbeddedNetworks {
  spec: NowcasterSpec;
  cadence: SnapshotCadence;
  recommended: Recommendation;
  parameters: Partial<Record<TrainedKind, Float32Array>>;
}

/**
 * Parameters as base64: of the little-endian float32 values the first bytes of all, then all second bytes, and so on, which
 * packs a tenth smaller than value by value.
 */
export function encodeParameters(values: Float32Array): string {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const planes = Array.from(bytes, (_, i) => bytes[(i % values.length) * 4 + Math.floor(i / values.length)]);
  return btoa(planes.map((byte) => String.fromCharCode(byte)).join(''));
}

/** What {@link encodeParameters} encoded. */
export function decodeParameters(text: string): Float32Array {
  const planes = atob(text);
  const count = planes.length / 4;
  const bytes = Uint8Array.from(planes, (_, i) => planes.charCodeAt((i % 4) * count + Math.floor(i / 4)));
  return new Float32Array(bytes.buffer);
}

/** JavaScript for the networks: an object literal whose parameters call `decodeParameters`. */
export function networksLiteral({ spec, cadence, recommended, parameters }: EmbeddedNetworks): string {
  const entries = Object.entries(parameters).map(
    ([kind, values]) => `    ${kind}: decodeParameters('${encodeParameters(values)}'),`,
  );
  return `{
  spec: ${JSON.stringify(spec)},
  cadence: ${JSON.stringify(cadence)},
  recommended: ${JSON.stringify(recommended)},
  parameters: {
${entries.join('\n')}
  },
}`;
}
