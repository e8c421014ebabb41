// Compiles tfjs-node's binding against a TensorFlow. The binding is two C++ files on Node's stable interface, so one call
// of a compiler does it; node-gyp would want Python and Node's own headers from the network besides.

import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { EngineUnavailableError } from '../../errors.js';
import type { PythonTensorflow } from './python.js';

const run = promisify(execFile);

/** Version of Node's interface that the binding is written for. */
const NAPI_VERSION = 8;

/**
 * Recent TensorFlow logs through Abseil, which heeds TF_CPP_MIN_LOG_LEVEL only once Python has set it up. This does the
 * same as the library is loaded. Older releases have no such headers and heed the variable by themselves.
 */
const QUIET_LOG = `
#include <cstdlib>
#if __has_include("absl/log/globals.h")
#include "absl/log/globals.h"
namespace absl {
ABSL_NAMESPACE_BEGIN
__attribute__((weak)) void SetMinLogLevel(LogSeverityAtLeast severity);
ABSL_NAMESPACE_END
}
namespace {
struct QuietLog {
  QuietLog() {
    const char *level = std::getenv("TF_CPP_MIN_LOG_LEVEL");
    if (level != nullptr && &absl::SetMinLogLevel != nullptr) {
      absl::SetMinLogLevel(static_cast<absl::LogSeverityAtLeast>(std::atoi(level)));
    }
  }
} quiet_log;
}
#endif
`;

/** Where things lie that the binding is compiled from and to. */
export interface BindingPaths {
  /** Unpacked tfjs-node. */
  tfjsNode: string;
  /** Unpacked node-api-headers. */
  headers: string;
  /** The binding to write. */
  output: string;
}

/** @throws EngineUnavailableError if there is no C++ compiler or it fails. */
export async function compileBinding(tensorflow: PythonTensorflow, paths: BindingPaths): Promise<void> {
  const compiler = await findCompiler();
  const quietLog = join(dirname(paths.output), 'quiet_log.cc');
  writeFileSync(quietLog, QUIET_LOG);
  const binding = join(paths.tfjsNode, 'binding');
  const platform = process.platform === 'darwin' ? ['-undefined', 'dynamic_lookup'] : [];
  try {
    await run(compiler, [
      ...['-shared', '-fPIC', '-O2', '-std=c++17', '-w', `-DNAPI_VERSION=${NAPI_VERSION}`],
      ...['-I', paths.tfjsNode, '-I', join(paths.headers, 'include'), '-I', tensorflow.include],
      ...[join(binding, 'tfjs_backend.cc'), join(binding, 'tfjs_binding.cc'), quietLog],
      ...['-o', paths.output, ...tensorflow.libraries, `-Wl,-rpath,${dirname(tensorflow.libraries[0])}`, ...platform],
    ]);
  } catch (cause) {
    const { stderr = '', message } = cause as { stderr?: string; message: string };
    const reason = stderr.split('\n').find((line) => line.includes('error')) ?? message.split('\n')[0];
    throw new EngineUnavailableError({
      what: `the binding does not compile (${reason})`,
      where: `${compiler}, TensorFlow ${tensorflow.version}`,
      remedy: 'use a compiler with C++17 (GCC 9, Clang 10 or later; CXX names it), or another TensorFlow',
      cause,
    });
  }
}

async function findCompiler(): Promise<string> {
  const candidates = process.env.CXX ? [process.env.CXX] : ['c++', 'g++', 'clang++'];
  for (const candidate of candidates) {
    const found = await run(candidate, ['--version']).then(
      () => true,
      () => false,
    );
    if (found) return candidate;
  }
  throw new EngineUnavailableError({
    what: 'no C++ compiler',
    where: candidates.join(', '),
    remedy: 'install one (`apt-get install g++`, `xcode-select --install`) or name it with CXX',
  });
}
