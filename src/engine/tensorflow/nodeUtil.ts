// Prepares the environment that tfjs-node 4.22 expects before it is loaded.

import util from 'node:util';

/** Restores functions of node:util that tfjs-node calls and Node 23 removed. */
export function restoreNodeUtil(): void {
  const module = util as Record<string, unknown>;
  module.isNullOrUndefined ??= (value: unknown) => value === null || value === undefined;
  module.isArray ??= Array.isArray;
}

/**
 * Reduces TensorFlow's log level, since it logs about processors and libraries, and lets several processes share a GPU.
 * Does not override environment variables of the user.
 */
export function setNativeDefaults(): void {
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '3';
  process.env.TF_FORCE_GPU_ALLOW_GROWTH ??= 'true';
}
