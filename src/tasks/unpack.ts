// How the official archives of datasets are unpacked.

import { basename } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { extract } from 'tar';
import { openDeb } from '../formats/deb.js';

/** Unpacks the file `archive` into an existing directory. Damaged archives throw. */
export type Unpack = (archive: string, directory: string) => Promise<void>;

/** A .tar.gz with the files in one folder, which is left out. */
export const unpackTarGz: Unpack = (archive, directory) =>
  extract({ file: archive, cwd: directory, strip: 1, strict: true });

/** The files of a Debian package that lie in one folder of it, without the folder. */
export function unpackDeb(folder: string): Unpack {
  const strip = folder.split('/').length;
  return async (archive, directory) => {
    const filter = (path: string) => path.replace(/^\.\//, '') === `${folder}/${basename(path)}`;
    // A leading "./" counts as a folder too.
    await pipeline(await openDeb(archive), extract({ cwd: directory, strip: strip + 1, strict: true, filter }));
  };
}
