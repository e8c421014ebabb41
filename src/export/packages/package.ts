// What a kind of package is: a nowcaster as an installable package of some language, ready to publish. A kind is one file
// and one entry of the list in index.ts.

import type { ExportSource } from '../readSource.js';

/** What a package is made of. */
export interface PackageContent {
  name: string;
  version: string;
  source: ExportSource;
}

/** A kind of package. The same input must give the same bytes. */
export interface PackageKind {
  /** Name that `--format` takes, alone. */
  id: string;
  /** What is wrong with a name, and which ones will do; null when nothing is. */
  nameProblem(name: string): { what: string; remedy: string } | null;
  /** Versions that the registry of such packages takes. */
  versionPattern: RegExp;
  /**
   * Contents of its files by path relative to the package, with `/`.
   *
   * @throws MismatchError for a nowcaster that such a package cannot hold.
   */
  encode(content: PackageContent): Record<string, string | Uint8Array>;
  /** Commands to look at the package, and to publish it, for people. */
  commands(directory: string): { look: string; publish: string };
}
