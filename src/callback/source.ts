// Where a nowcaster's files come from when there is only the web: fetched one by one from under an address.

import { MissingFileError } from '../errors.js';
import type { NowcasterSource } from '../nowcaster/nowcaster.js';

/** The address of a file under a directory's address; a query behind the directory is kept. */
function resolveUnder(directory: string, relativePath: string): string {
  const [path, ...query] = directory.split(/(?=[?#])/);
  return `${path.replace(/\/*$/, '/')}${relativePath}${query.join('')}`;
}

/**
 * Fetches one file.
 *
 * @param remedy what to do when it is not there.
 * @throws {@link MissingFileError}
 */
export async function fetchFile(address: string | URL, remedy: string): Promise<Uint8Array> {
  const missing = (what: string, cause?: unknown) =>
    new MissingFileError({ what, where: String(address), remedy, cause });
  let response: Response;
  try {
    response = await fetch(address);
  } catch (cause) {
    throw missing('cannot fetch', cause);
  }
  if (!response.ok) throw missing(`cannot fetch (status ${response.status})`);
  return new Uint8Array(await response.arrayBuffer());
}

/**
 * Reads files over HTTP (or whatever `fetch` takes).
 *
 * @param directory address of the nowcaster directory, absolute, or in a page relative to it.
 */
export function fetchSource(directory: string | URL): NowcasterSource {
  return (relativePath) =>
    fetchFile(resolveUnder(String(directory), relativePath), 'check the address of the nowcaster directory');
}
