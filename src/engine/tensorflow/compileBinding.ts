// Compiles tfjs-node's binding against a TensorFlow. The binding is two C++ files on Node-API, so a single compiler call
// is enough; node-gyp would also need Python and a download of Node's headers.

import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { EngineUnavailableError } from '../../errors.js';
import { BINDING, QUIET_LOADER_BINARY } from './loadLinked.js';
import type { PythonTensorflow } from './python.js';

const run = promisify(execFile);

/** Node-API version of the binding. */
const NAPI_VERSION = 8;

/**
 * Loads TensorFlow's libraries with stderr closed: recent ones report on the processor while they are loaded, before
 * any setting can stop them.
 */
const QUIET_LOADER = `
#include <dlfcn.h>
#include <fcntl.h>
#include <node_api.h>
#include <unistd.h>
static napi_value Load(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  char path[4096] = "";
  napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr);
  napi_get_value_string_utf8(env, argument, path, sizeof(path), nullptr);
  const int kept = dup(2);
  const int nowhere = open("/dev/null", O_WRONLY);
  if (nowhere >= 0) dup2(nowhere, 2);
  dlopen(path, RTLD_LAZY | RTLD_GLOBAL);
  if (kept >= 0) dup2(kept, 2);
  if (nowhere >= 0) close(nowhere);
  if (kept >= 0) close(kept);
  return nullptr;
}
NAPI_MODULE_INIT() {
  napi_value load;
  napi_create_function(env, "load", NAPI_AUTO_LENGTH, Load, nullptr, &load);
  napi_set_named_property(env, exports, "load", load);
  return exports;
}
`;

/**
 * Recent TensorFlow logs through Abseil, which respects TF_CPP_MIN_LOG_LEVEL only after Python has set it up. This does
 * the same when the binding is loaded. Older releases lack these headers and respect the variable themselves.
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

/** Input and output paths of the compilation. */
export interface BindingPaths {
  /** Unpacked tfjs-node. */
  tfjsNode: string;
  /** Unpacked node-api-headers. */
  headers: string;
  /** Folder that receives {@link BINDING} and {@link QUIET_LOADER_BINARY}. */
  output: string;
}

/**
 * Compiles the binding with a compiler that {@link findCompiler} found.
 *
 * @throws EngineUnavailableError if the compiler fails; its message holds the compiler's first error.
 */
export async function compileBinding(
  compiler: string,
  tensorflow: PythonTensorflow,
  paths: BindingPaths,
): Promise<void> {
  const write = (name: string, source: string) => {
    const path = join(paths.output, name);
    writeFileSync(path, source);
    return path;
  };
  const binding = join(paths.tfjsNode, 'binding');
  const sources = [
    join(binding, 'tfjs_backend.cc'),
    join(binding, 'tfjs_binding.cc'),
    write('quiet_log.cc', QUIET_LOG),
  ];
  const platform = process.platform === 'darwin' ? ['-undefined', 'dynamic_lookup'] : ['-ldl'];
  const options = [
    ...['-shared', '-fPIC', '-O2', '-std=c++17', '-w', `-DNAPI_VERSION=${NAPI_VERSION}`],
    ...['-I', paths.tfjsNode, '-I', join(paths.headers, 'include'), '-I', tensorflow.include],
  ];
  try {
    await run(compiler, [
      ...options,
      ...[write('quiet_loader.cc', QUIET_LOADER), '-o', join(paths.output, QUIET_LOADER_BINARY), ...platform],
    ]);
    await run(compiler, [
      ...[...options, ...sources, '-o', join(paths.output, BINDING)],
      ...[...tensorflow.libraries, `-Wl,-rpath,${dirname(tensorflow.libraries[0])}`, ...platform],
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

/** The C++ compiler: what CXX names, or c++, g++ or clang++. @throws EngineUnavailableError if there is none. */
export async function findCompiler(): Promise<string> {
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
