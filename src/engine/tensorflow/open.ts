// Opens the tensorflow engine: TensorFlow's native library through the link to a Python's TensorFlow when there is one,
// otherwise through tfjs-node-gpu or tfjs-node, whichever is installed.

import * as tf from '@tensorflow/tfjs-core';
import { EngineUnavailableError, SchemaVersionError } from '../../errors.js';
import type { Engine } from '../openedEngine.js';
import { checkLink, type LinkRecord, linkDirectory, readLinkRecord } from './linkRecord.js';
import { registerLinkedBackend } from './loadLinked.js';
import { guardMemory, type TensorflowBackend } from './memory.js';
import { restoreNodeUtil, setNativeDefaults } from './nodeUtil.js';

/** The optional packages with the native library, the GPU one first. */
const PACKAGES = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'] as const;

/** Opens the tensorflow engine. @throws EngineUnavailableError saying what the link or each package lacks. */
export async function openTensorflow(): Promise<Engine> {
  setNativeDefaults();
  restoreNodeUtil();
  const link = readUsableRecord();
  const engine = link === undefined ? await openInstalled() : openLinked(link);
  guardMemory(tf.findBackend('tensorflow') as tf.KernelBackend & TensorflowBackend, engine.description);
  return engine;
}

/** Whether tensorflow may have a GPU, as far as is known without loading it. */
export function mayHaveGpu(): boolean {
  try {
    return readLinkRecord()?.devices.some(({ type }) => type === 'GPU') ?? true;
  } catch (error) {
    if (error instanceof SchemaVersionError) return true;
    throw error;
  }
}

/** A link of another toolkit version disables only this engine. */
function readUsableRecord(): LinkRecord | undefined {
  try {
    return readLinkRecord();
  } catch (error) {
    if (!(error instanceof SchemaVersionError)) throw error;
    const { what, where, remedy } = error;
    throw new EngineUnavailableError({ what, where, remedy, cause: error });
  }
}

function openLinked(link: LinkRecord): Engine {
  checkLink(link, tf.version_core);
  let usesGpu: boolean;
  try {
    usesGpu = registerLinkedBackend(linkDirectory(), link.library).usesGpu;
  } catch (cause) {
    throw new EngineUnavailableError({
      what: `the link to TensorFlow ${link.tensorflow} does not load`,
      where: explainImportFailure(cause),
      remedy: 'run `wnn engine link-tensorflow` again, or `wnn engine link-tensorflow --remove`',
      cause,
    });
  }
  const devices = link.devices.filter(({ type }) => type === (usesGpu ? 'GPU' : 'CPU')).map(({ name }) => name);
  const device = usesGpu ? `GPU: ${devices.join(', ')}` : 'CPU';
  return {
    name: 'tensorflow',
    description: `tensorflow (linked, ${device})`,
    version: link.tensorflow,
    devices: link.devices.filter(({ type }) => type !== 'CPU').map(({ name }) => name),
    usesGpu,
  };
}

/** What the engine uses of the installed packages. */
interface TensorflowModule {
  version: Record<string, string>;
}

async function openInstalled(): Promise<Engine> {
  const reasons: string[] = [];
  for (const name of PACKAGES) {
    try {
      const module = (await import(name)) as TensorflowModule & { default?: TensorflowModule };
      const version = (module.default ?? module).version['tfjs-node'] ?? 'unknown';
      const usesGpu = (tf.backend() as tf.KernelBackend & { isUsingGpuDevice?: boolean }).isUsingGpuDevice === true;
      return { name: 'tensorflow', description: `tensorflow (${name})`, version, devices: [], usesGpu };
    } catch (error) {
      reasons.push(`${name}: ${explainImportFailure(error)}`);
    }
  }
  throw new EngineUnavailableError({
    what: 'engine tensorflow does not open',
    where: reasons.join('; '),
    remedy: `run \`npm install @tensorflow/tfjs-node@${tf.version_core}\` (with a GPU: tfjs-node-gpu), or \`wnn engine link-tensorflow\` to use the TensorFlow of a Python, or use --engine wasm`,
  });
}

function explainImportFailure(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ERR_MODULE_NOT_FOUND') return 'not installed';
  return (message ?? String(error)).split('\n')[0]!.replace(/[.\s]+$/, '');
}
