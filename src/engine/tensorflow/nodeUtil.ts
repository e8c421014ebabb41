// What tfjs-node 4.22 expects of its surroundings, set before it is loaded.

import util from 'node:util';

/** Gives back to node:util what tfjs-node calls and Node 23 took away. */
export function restoreNodeUtil(): void {
  const module = util as unknown as Record<string, unknown>;
  module.isNullOrUndefined ??= (value: unknown) => value === null || value === undefined;
  module.isArray ??= Array.isArray;
}

/**
 * Quietens TensorFlow's own log, which reports on processors and libraries rather than on the user's work, and lets
 * several processes share a GPU. What the user has set in the environment stays.
 */
export function setNativeDefaults(): void {
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '3';
  process.env.TF_FORCE_GPU_ALLOW_GROWTH ??= 'true';
}
