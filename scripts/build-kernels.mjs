// Compiles the kernels written in AssemblyScript to WebAssembly and writes each binary as a TypeScript module, base64 in
// a string, so that Node, bundlers and plain static servers all get it by an ordinary import. For the same reason the Web
// Worker that serves them becomes text in a module.

import { readFile, writeFile } from 'node:fs/promises';
import asc from 'assemblyscript/asc';
import { build } from 'esbuild';

const BINARIES = [
  {
    entry: 'src/families/wnn/assembly/network.ts',
    module: 'src/families/wnn/binary.generated.ts',
    options: ['--disable', 'mutable-globals'],
  },
  {
    entry: 'src/kernels/assembly/graph.ts',
    module: 'src/kernels/graph/binary.generated.ts',
    options: ['--disable', 'mutable-globals'],
  },
  {
    entry: 'src/engine/wasm/assembly/kernels.ts',
    module: 'src/engine/wasm/binary.generated.ts',
    options: ['--importMemory', '--noExportMemory'],
  },
];

async function writeWhenNew(path, text) {
  if ((await readFile(path, 'utf8').catch(() => '')) !== text) await writeFile(path, text);
}

for (const { entry, module, options } of BINARIES) {
  let binary;
  const { error, stderr } = await asc.main(
    [
      entry,
      ...['--outFile', 'kernels.wasm'],
      ...['--runtime', 'stub', '--enable', 'simd'],
      ...['--optimizeLevel', '3', '--shrinkLevel', '0', '--converge', '--noAssert'],
      ...['--use', 'abort='],
      ...options,
    ],
    {
      readFile: (name, baseDir) => readFile(`${baseDir}/${name}`, 'utf8').catch(() => null),
      writeFile: (name, contents) => {
        if (name.endsWith('.wasm')) binary = contents;
      },
      listFiles: () => [],
    },
  );
  process.stderr.write(stderr.toString());
  if (error) process.exit(1);

  const text = `// Made by scripts/build-kernels.mjs from ${entry}; not to be edited.

/** The kernels' WebAssembly module, ${binary.length} bytes, in base64. */
// Its type is named so that the declarations do not repeat it.
export const KERNELS_BASE64: string =
  '${Buffer.from(binary).toString('base64')}';
`;
  await writeWhenNew(module, text);
}

const worker = 'src/compute/webWorker.ts';
const { outputFiles } = await build({
  entryPoints: [worker],
  bundle: true,
  minify: true,
  format: 'iife',
  target: 'es2022',
  platform: 'browser',
  write: false,
  // A thread gets the kernels compiled.
  plugins: [
    {
      name: 'without-binary',
      setup({ onLoad }) {
        onLoad({ filter: /binary\.generated\.ts$/ }, () => ({ contents: "export const KERNELS_BASE64 = '';" }));
      },
    },
  ],
});
await writeWhenNew(
  'src/compute/webWorker.generated.ts',
  `// Made by scripts/build-kernels.mjs from ${worker}; not to be edited.

/** The Web Worker that serves the kernels, a classic script. */
// Its type is named so that the declarations do not repeat it.
export const WEB_WORKER_SOURCE: string =
  ${JSON.stringify(outputFiles[0].text)};
`,
);
