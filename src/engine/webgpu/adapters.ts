// Lists the GPUs that Dawn (the `webgpu` package) can use, or the reason why there are none.

import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A GPU as Dawn sees it. */
export interface WebgpuAdapter {
  /** `vulkan`, `metal`, `d3d12`, ... */
  backend: string;
  /** Product name, as the driver gives it. */
  name: string;
}

/** What Dawn finds on this machine. */
export interface AdapterSurvey {
  adapters: WebgpuAdapter[];
  /** Why there are none, in one line; `null` when there are some. */
  reason: string | null;
  /** Whether the package that brings Dawn is there. */
  installed: boolean;
}

// Dawn lists its adapters only in the error about one that does not exist, and explains itself only on stderr.
const LIST_ADAPTERS = `
import { create } from process.argv[1];
let output = '';
try {
  await create(['adapter=\\n']).requestAdapter();
} catch (error) {
  output = error.message;
}
console.log(JSON.stringify(output));
`;

/** Queries Dawn in a separate process, since drivers may write to stderr or crash. */
export async function surveyAdapters(): Promise<AdapterSurvey> {
  let dawn: string;
  try {
    dawn = pathToFileURL(createRequire(import.meta.url).resolve('webgpu')).href;
  } catch {
    return { adapters: [], reason: 'the package webgpu is not installed', installed: false };
  }
  const program = LIST_ADAPTERS.replace('process.argv[1]', JSON.stringify(dawn));
  try {
    const { stdout, stderr } = await run(process.execPath, ['--input-type=module', '-e', program]);
    const adapters = parseAdapters(JSON.parse(stdout.trim().split('\n').at(-1)!) as string);
    return { adapters, reason: adapters.length > 0 ? null : explainAbsence(stderr), installed: true };
  } catch (error) {
    const { stderr = '', signal, message } = error as { stderr?: string; signal?: string; message: string };
    const reason = stderr.split('\n').find((line) => /error/i.test(line)) ?? signal ?? message.split('\n')[0];
    return { adapters: [], reason: `the package webgpu does not load (${reason})`, installed: true };
  }
}

/** Parses `* backend: 'vulkan', name: 'NVIDIA H100'` lines. */
export function parseAdapters(text: string): WebgpuAdapter[] {
  return [...text.matchAll(/^ \* backend: '([^']*)', name: '(.*)'$/gm)].map(([, backend, name]) => ({
    backend: backend!,
    name: name!,
  }));
}

/** Extracts the reason from Dawn's output. */
export function explainAbsence(stderr: string): string {
  const warning = /^Warning: (.*?)\.?$/m.exec(stderr)?.[1];
  if (warning === undefined) return 'no Vulkan, Metal or Direct3D 12 driver';
  if (/Couldn't load Vulkan/.test(warning)) return `no Vulkan (${warning.replace(/^Couldn't load Vulkan: /, '')})`;
  const refused = `no usable driver; the one that is there was refused: ${warning}`;
  // The driver of NVIDIA is there, and its own libraries are not: what containers and bare servers lack.
  if (!/libGLX_nvidia/.test(warning)) return refused;
  return `${refused}. NVIDIA's driver needs libraries of X11 and GL, also without a display (Debian: libegl1 libgl1 libx11-6 libxext6)`;
}

/** Finds an adapter by its name or a unique part of it, ignoring case. */
export function findAdapter(adapters: readonly WebgpuAdapter[], wanted: string): WebgpuAdapter | undefined {
  const key = wanted.toLowerCase();
  const whole = adapters.find(({ name }) => name.toLowerCase() === key);
  if (whole !== undefined) return whole;
  const partial = adapters.filter(({ name }) => name.toLowerCase().includes(key));
  return partial.length === 1 ? partial[0] : undefined;
}
