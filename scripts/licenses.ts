// Writes docs/licenses.md: the licenses of the packages that npm installs with the toolkit, from package-lock.json.
//
//   npm run licenses

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The part of package-lock.json that is read here. */
interface LockFile {
  packages: Record<string, Entry>;
}
interface Entry {
  license?: string;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
  peerDependenciesMeta?: Record<string, { optional?: boolean }>;
  os?: string[];
  cpu?: string[];
}

/** Texts that package.json files refer to, as read. */
const READ: Record<string, string> = {
  h5wasm: 'NIST software notice, with HDF5 under its BSD-style license',
};

/** Path of the list. */
export const LICENSES_FILE = fileURLToPath(new URL('../docs/licenses.md', import.meta.url));

/** The packages that a package installs, at any depth, by their paths in the lock file. Those of single platforms are left out. */
function installed(packages: LockFile['packages'], path: string, found = new Set<string>()): Set<string> {
  const { dependencies, optionalDependencies, peerDependencies, peerDependenciesMeta } = packages[path];
  const peers = Object.keys(peerDependencies ?? {}).filter((name) => !peerDependenciesMeta?.[name]?.optional);
  for (const name of [...Object.keys({ ...dependencies, ...optionalDependencies }), ...peers]) {
    // The nearest directory above that has it, as Node finds it.
    let at = path;
    while (packages[`${at}${at && '/'}node_modules/${name}`] === undefined && at !== '')
      at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')));
    const place = `${at}${at && '/'}node_modules/${name}`;
    const entry = packages[place];
    if (entry === undefined || entry.os || entry.cpu || found.has(place)) continue;
    found.add(place);
    installed(packages, place, found);
  }
  return found;
}

/** Packages by their license, as Markdown. */
export function listLicenses(lockFile: string): string {
  const { packages } = JSON.parse(readFileSync(lockFile, 'utf8')) as LockFile;
  const byLicense = new Map<string, Set<string>>();
  for (const path of installed(packages, '')) {
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
    const key = READ[name] ?? packages[path].license ?? 'not stated';
    byLicense.set(key, (byLicense.get(key) ?? new Set()).add(name));
  }
  const sections = [...byLicense]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([license, names]) => `## ${license}\n\n${[...names].sort().join(', ')}`);
  return `# Licenses of dependencies

The packages that npm installs with \`weight-nowcaster\`, on every platform, by license. \`weight-nowcaster-callback\` has no dependencies but
TensorFlow.js. Written by \`npm run licenses\` from \`package-lock.json\`.

${sections.join('\n\n')}
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  writeFileSync(LICENSES_FILE, listLicenses(fileURLToPath(new URL('../package-lock.json', import.meta.url))));
