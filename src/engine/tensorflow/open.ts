// Opens the tensorflow engine: TensorFlow's native library through tfjs-node-gpu or tfjs-node, whichever is installed.

import util from 'node:util';
import { EngineUnavailableError } from '../../errors.js';
import type { Engine } from '../engine.js';

/** The packages that carry the native library, the GPU one first. Neither need be there. */
const PACKAGES = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'] as const;

/** What the engine uses of those packages. */
interface TensorflowModule {
  version: { tensorflow?: string; 'tfjs-node'?: string };
  node?: unknown;
}

/** Opens the tensorflow engine. @throws EngineUnavailableError naming what each package lacks. */
export async function openTensorflow(): Promise<Engine> {
  restoreNodeUtil();
  const reasons: string[] = [];
  for (const name of PACKAGES) {
    try {
      const module = (await import(name)) as TensorflowModule & { default?: TensorflowModule };
      const version = (module.version ?? module.default?.version)?.['tfjs-node'] ?? 'unknown';
      return { name: 'tensorflow', description: `tensorflow (${name} ${version})`, version };
    } catch (error) {
      reasons.push(`${name}: ${explainImportFailure(error)}`);
    }
  }
  throw new EngineUnavailableError({
    what: 'engine tensorflow does not open',
    where: reasons.join('; '),
    remedy: 'use --engine wasm, or `npm install @tensorflow/tfjs-node` where its download is reachable',
  });
}

/** tfjs-node 4.22 calls functions of node:util that Node 23 took away. */
function restoreNodeUtil(): void {
  const module = util as unknown as Record<string, unknown>;
  module.isNullOrUndefined ??= (value: unknown) => value === null || value === undefined;
  module.isArray ??= Array.isArray;
}

function explainImportFailure(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ERR_MODULE_NOT_FOUND') return 'not installed';
  return (message ?? String(error)).split('\n')[0] ?? 'unknown reason';
}
