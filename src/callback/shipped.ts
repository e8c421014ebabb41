// The nowcaster that ships with the toolkit, loaded when it is asked for. Packages that `wnn export` makes do not have this
// module, since they carry networks of their own.

import type { EmbeddedNetworks } from '../nowcaster/embedded.js';

/** Loads the networks of the nowcaster that ships with the toolkit. */
export async function loadShipped(): Promise<EmbeddedNetworks> {
  return (await import('./shippedNetworks.generated.js')).SHIPPED_NETWORKS;
}
