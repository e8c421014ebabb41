// The toolkit's version, recorded in every file it writes.

import { readFileSync } from 'node:fs';

const packageJson = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** Version of this toolkit, from package.json. */
export const TOOLKIT_VERSION: string = packageJson.version;
