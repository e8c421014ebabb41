// The toolkit's version, recorded in every file it writes.

import { readFileSync } from 'node:fs';

const packageJson = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
  peerDependencies: Record<string, string>;
  peerDependenciesMeta: Record<string, { optional?: boolean }>;
};

/** Version of this toolkit, from package.json. */
export const TOOLKIT_VERSION: string = packageJson.version;

/** Packages that are installed separately, with the versions that fit. */
export const OPTIONAL_PACKAGES: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(packageJson.peerDependencies).filter(([name]) => packageJson.peerDependenciesMeta[name]?.optional),
);
