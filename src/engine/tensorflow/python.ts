// Finds the TensorFlow of a Python environment: its version, its library and its headers.

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { EngineUnavailableError, MissingFileError } from '../../errors.js';
import type { TensorflowDevice } from './linkRecord.js';

const run = promisify(execFile);

/** Oldest TensorFlow to link with, as [major, minor]: wheels carry the library and its headers since then. */
const OLDEST = [2, 10] as const;

/** Names under which TensorFlow is distributed. */
const DISTRIBUTIONS = [
  'tensorflow',
  'tensorflow-cpu',
  'tensorflow-gpu',
  'tensorflow-rocm',
  'tensorflow-macos',
  'tf-nightly',
];

/** Locates the package without importing it, which would take seconds. */
const PROBE = `
import importlib.metadata, importlib.util, json, sys
spec = importlib.util.find_spec('tensorflow')
version = None
for name in ${JSON.stringify(DISTRIBUTIONS)}:
    try:
        version = importlib.metadata.version(name)
        break
    except importlib.metadata.PackageNotFoundError:
        pass
print(json.dumps({
    'python': sys.executable,
    'directory': spec.submodule_search_locations[0] if spec and spec.submodule_search_locations else None,
    'version': version,
}))
`;

const DEVICES = `
import json, tensorflow as tf
devices = []
for device in tf.config.list_physical_devices():
    details = tf.config.experimental.get_device_details(device)
    devices.append({'type': device.device_type, 'name': details.get('device_name', device.name)})
print(json.dumps(devices))
`;

/** A TensorFlow that a binding can be compiled against. */
export interface PythonTensorflow {
  /** The Python that has it. */
  python: string;
  version: string;
  /** Folder of its headers. */
  include: string;
  /** The library with the C interface, and the one that it needs. */
  libraries: [string, string];
}

/**
 * Finds TensorFlow in a Python environment.
 *
 * @param python executable to ask; default: that of the active virtual environment, then `python3`, then `python`.
 * @throws MissingFileError if there is no such Python.
 * @throws EngineUnavailableError if it has no TensorFlow, one that is too old, or one without library or headers.
 */
export async function findTensorflow(python?: string): Promise<PythonTensorflow> {
  const found = await probe(python);
  const where = found.python;
  if (found.directory === null) {
    throw new EngineUnavailableError({
      what: 'Python without TensorFlow',
      where,
      remedy: `\`${where} -m pip install tensorflow\`, or name another Python with --python`,
    });
  }
  const version = found.version ?? 'unknown';
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
    throw new EngineUnavailableError({
      what: `TensorFlow ${version} is older than ${OLDEST.join('.')}`,
      where: found.directory,
      remedy: `\`${where} -m pip install --upgrade tensorflow\``,
    });
  }
  const include = join(found.directory, 'include');
  if (!existsSync(join(include, 'tensorflow', 'c', 'eager', 'c_api.h'))) {
    throw new EngineUnavailableError({
      what: 'TensorFlow without headers',
      where: include,
      remedy: 'install TensorFlow from its pip wheel; packages of other distributors leave them out',
    });
  }
  return { python: where, version, include, libraries: findLibraries(found.directory) };
}

function findLibraries(directory: string): [string, string] {
  const names =
    process.platform === 'darwin'
      ? (['libtensorflow_cc.2.dylib', 'libtensorflow_framework.2.dylib'] as const)
      : (['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'] as const);
  const [library, framework] = names.map((name) => join(directory, name)) as [string, string];
  for (const path of [library, framework]) {
    if (existsSync(path)) continue;
    throw new EngineUnavailableError({
      what: 'TensorFlow without its library',
      where: path,
      remedy:
        process.platform === 'win32'
          ? 'wheels for Windows have none: use WSL 2'
          : 'install a current TensorFlow from its pip wheel',
    });
  }
  return [library, framework];
}

interface ProbeResult {
  python: string;
  directory: string | null;
  version: string | null;
}

async function probe(python: string | undefined): Promise<ProbeResult> {
  const environment = process.env.VIRTUAL_ENV;
  const candidates = python
    ? [python]
    : [...(environment ? [join(environment, 'bin', 'python')] : []), 'python3', 'python'];
  for (const candidate of candidates) {
    try {
      const { stdout } = await run(candidate, ['-c', PROBE]);
      return JSON.parse(stdout) as ProbeResult;
    } catch (cause) {
      const { code, stderr = '' } = cause as { code?: string | number; stderr?: string };
      if (code === 'ENOENT' || code === 'EACCES') continue;
      throw new EngineUnavailableError({
        what: `Python does not run (${stderr.trim().split('\n').at(-1) || code})`,
        where: candidate,
        remedy: 'name a Python 3.8 or later with --python',
        cause,
      });
    }
  }
  throw new MissingFileError({
    what: 'no Python',
    where: candidates.join(', '),
    remedy: 'name the Python that has TensorFlow with --python',
  });
}

/** The devices that TensorFlow sees. @throws EngineUnavailableError if it cannot be imported. */
export async function listDevices(python: string): Promise<TensorflowDevice[]> {
  try {
    const { stdout } = await run(python, ['-c', DEVICES], { env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '3' } });
    return JSON.parse(stdout.trim().split('\n').at(-1)!) as TensorflowDevice[];
  } catch (cause) {
    const { stderr = '' } = cause as { stderr?: string };
    throw new EngineUnavailableError({
      what: `TensorFlow cannot be imported (${stderr.trim().split('\n').at(-1) || 'no output'})`,
      where: python,
      remedy: `make \`${python} -c "import tensorflow"\` work first`,
      cause,
    });
  }
}
