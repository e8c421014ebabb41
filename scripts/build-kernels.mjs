// Compiles the kernels written in AssemblyScript to WebAssembly and writes each binary as a TypeScript module, base64 in
// a string, so that Node, bundlers and plain static servers all get it by an ordinary import.

import { readFile, writeFile } from 'node:fs/promises';
import asc from 'assemblyscript/asc';

const BINARIES = [
  {
    entry: 'src/kernels/assembly/network.ts',
    module: 'src/kernels/binary.generated.ts',
    options: ['--disable', 'mutable-globals'],
  },
  {
    entry: 'src/engine/wasm/assembly/kernels.ts',
    module: 'src/engine/wasm/binary.generated.ts',
    options: ['--importMemory', '--noExportMemory'],
  },
];

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
  if ((await readFile(module, 'utf8').catch(() => '')) !== text) await writeFile(module, text);
}
