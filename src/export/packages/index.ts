// Exports a nowcaster as a package: the list of kinds, the checks that all of them have in common, and the writing.

import { UsageError } from '../../errors.js';
import { either, listOf, needed, type OptionTypes, requireOptions, TEXT } from '../../optionTypes.js';
import { readSource, SOURCE_CHOICES, type SourceChoices } from '../readSource.js';
import { writeExport } from '../target.js';
import { npmPackage } from './npm.js';
import type { PackageKind } from './package.js';
import { licenseFile } from './provenance.js';
import { pythonPackage } from './python.js';

/** All kinds of packages. */
export const PACKAGE_KINDS: readonly PackageKind[] = [npmPackage, pythonPackage];

/** Options of {@link exportPackage}. */
export interface PackageOptions extends SourceChoices {
  /** What to export, as of `exportNowcaster`. */
  from: string | readonly string[];
  /** Directory to write; must be absent, empty, or hold this package already. */
  to: string;
  /** Kind of package: `npm` or `python`. */
  format: string;
  /** Name of the package, as its registry takes it. */
  name: string;
  /** Version of the package. Default `1.0.0`. */
  version?: string;
}

/** The types of {@link PackageOptions}. */
const PACKAGE_OPTIONS: OptionTypes<PackageOptions> = {
  ...SOURCE_CHOICES,
  from: needed(either(TEXT, listOf(TEXT))),
  to: needed(TEXT),
  format: needed(TEXT),
  name: needed(TEXT),
  version: TEXT,
};

/** Result of {@link exportPackage}. */
export interface PackageResult {
  directory: string;
  /** False when it held the same files already. */
  written: boolean;
  name: string;
  version: string;
  /** Its files, relative to the directory, and their sizes in bytes. */
  files: { path: string; bytes: number }[];
  /** Commands to look at the package, and to publish it. */
  commands: { look: string; publish: string };
}

function findPackageKind(id: string): PackageKind {
  const kind = PACKAGE_KINDS.find((one) => one.id === id);
  if (kind !== undefined) return kind;
  throw new UsageError({
    what: `no package is of kind ${id}`,
    where: '--format',
    remedy: `use ${PACKAGE_KINDS.map((one) => one.id).join(' or ')}`,
  });
}

/**
 * Writes a package with the networks and the code that applies them. The same input gives the same bytes. The directory
 * appears whole or not at all.
 *
 * @throws {@link UsageError} for a kind that is not known, a name or version that its registry refuses and a target that is
 * not empty; MismatchError for a nowcaster that such a package cannot hold; what reading the source throws.
 */
export async function exportPackage(options: PackageOptions): Promise<PackageResult> {
  requireOptions('exportPackage', options, PACKAGE_OPTIONS);
  const { to, name, version = '1.0.0' } = options;
  const kind = findPackageKind(options.format);
  const problem = kind.nameProblem(name);
  if (problem !== null) throw new UsageError({ ...problem, where: '--name' });
  if (!kind.versionPattern.test(version))
    throw new UsageError({ what: `not a version: ${version}`, where: '--package-version', remedy: 'use e.g. 1.0.0' });
  const from = typeof options.from === 'string' ? [options.from] : options.from;
  const source = await readSource(from, options);
  const encoder = new TextEncoder();
  const contents = { ...kind.encode({ name, version, source }), ...licenseFile() };
  const files = Object.fromEntries(
    Object.entries(contents).map(([path, content]) => [
      path,
      typeof content === 'string' ? encoder.encode(content) : content,
    ]),
  );
  const written = writeExport(to, files, false);
  return {
    directory: to,
    written,
    name,
    version,
    files: Object.entries(files).map(([path, content]) => ({ path, bytes: content.length })),
    commands: kind.commands(to),
  };
}
