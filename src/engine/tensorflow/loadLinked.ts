// Loads a linked binding and the JavaScript half of tfjs-node on the toolkit's own TensorFlow.js.

import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';

/** Name of the binding in a link's folder. */
export const BINDING = 'tfjs_binding.node';
/** Name of the addon that loads TensorFlow's libraries without their log. */
export const QUIET_LOADER_BINARY = 'quiet_loader.node';

const SHARED = 'weight-nowcaster.tfjs';

/** What tfjs-node requires of TensorFlow.js. */
const REQUIRED = ['tfjs', 'tfjs-core'];

/**
 * Writes stub packages for the TensorFlow.js modules that tfjs-node requires. They export the instances that the toolkit
 * has loaded, so that there is one tfjs-core in the process, wherever the link's folder is.
 */
export function writeSharedTfjs(directory: string): void {
  for (const name of REQUIRED) {
    const folder = join(directory, 'node_modules', '@tensorflow', name);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: `@tensorflow/${name}`, main: 'index.js' }));
    writeFileSync(join(folder, 'index.js'), `module.exports = globalThis[Symbol.for('${SHARED}')];\n`);
  }
}

/** What the toolkit uses of the binding. */
interface Binding {
  TF_Version: string;
  isUsingGpuDevice(): boolean;
}

/**
 * Registers the `tensorflow` backend of a link.
 *
 * @param library TensorFlow's library, for loading it without its log.
 * @returns the version and GPU support of the binding.
 */
export function registerLinkedBackend(directory: string, library: string): { tensorflow: string; usesGpu: boolean } {
  (globalThis as Record<symbol, unknown>)[Symbol.for(SHARED)] = { ...tf, ...tfl };
  const require = createRequire(join(directory, 'link.cjs'));
  if (Number(process.env.TF_CPP_MIN_LOG_LEVEL) > 0) {
    (require(join(directory, QUIET_LOADER_BINARY)) as { load(path: string): void }).load(library);
  }
  const binding = require(join(directory, BINDING)) as Binding;
  const { NodeJSKernelBackend } = require('@tensorflow/tfjs-node/dist/nodejs_kernel_backend.js') as {
    NodeJSKernelBackend: new (binding: Binding, packageName: string) => tf.KernelBackend;
  };
  require('@tensorflow/tfjs-node/dist/register_all_kernels.js');
  tf.registerBackend('tensorflow', () => new NodeJSKernelBackend(binding, '@tensorflow/tfjs-node'), 3);
  return { tensorflow: binding.TF_Version, usesGpu: binding.isUsingGpuDevice() };
}
