// Writes the nowcaster that ships with the toolkit, weights/zoo, as a module. The module is written by the same code that
// `wnn export --format npm` uses, bundled here as nothing is compiled yet.

import { readFile, writeFile } from 'node:fs/promises';
import { build } from 'esbuild';

const NOWCASTER = 'weights/zoo';
const MODULE = 'src/callback/shippedNetworks.generated.ts';

const { outputFiles } = await build({
  stdin: {
    contents: `
      export { readNowcaster } from './src/nowcaster/nowcaster.ts';
      export { networksLiteral } from './src/nowcaster/embedded.ts';`,
    resolveDir: '.',
  },
  bundle: true,
  format: 'esm',
  platform: 'node',
  write: false,
});
const code = Buffer.from(outputFiles[0].contents).toString('base64');
const { readNowcaster, networksLiteral } = await import(`data:text/javascript;base64,${code}`);
const nowcaster = await readNowcaster((path) => readFile(`${NOWCASTER}/${path}`), NOWCASTER);
const text = `// Made by scripts/embed-networks.mjs from ${NOWCASTER}; not to be edited.

import { decodeParameters, type EmbeddedNetworks } from '../nowcaster/embedded.js';

/** The nowcaster that ships with the toolkit. */
export const SHIPPED_NETWORKS: EmbeddedNetworks = ${networksLiteral(nowcaster)};
`;
if ((await readFile(MODULE, 'utf8').catch(() => '')) !== text) await writeFile(MODULE, text);
