// Compiles the kernels (src/kernels/assembly) to WebAssembly and writes the binary as a TypeScript module, base64 in a
// string, so that Node, bundlers and plain static servers all get it by an ordinary import.

import { readFile, writeFile } from 'node:fs/promises';
import asc from 'assemblyscript/asc';

const ENTRY = 'src/kernels/assembly/network.ts';
const MODULE = 'src/kernels/binary.generated.ts';

let binary;
const { error, stderr } = await asc.main(
  [
    ENTRY,
    ...['--outFile', 'kernels.wasm'],
    ...['--runtime', 'stub', '--enable', 'simd', '--disable', 'mutable-globals'],
    ...['--optimizeLevel', '3', '--shrinkLevel', '0', '--converge', '--noAssert'],
    ...['--use', 'abort='],
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

const text = `// Made by scripts/build-kernels.mjs from ${ENTRY}; not to be edited.

/** The kernels' WebAssembly module, ${binary.length} bytes, in base64. */
export const KERNELS_BASE64 =
  '${Buffer.from(binary).toString('base64')}';
`;
if ((await readFile(MODULE, 'utf8').catch(() => '')) !== text) await writeFile(MODULE, text);
