// Where a nowcaster's files come from when there is only the web: fetched one by one from under an address.

import { MissingFileError } from '../errors.js';
import type { NowcasterSource } from '../nowcaster/nowcaster.js';

/** The address of a file under a directory's address; a query behind the directory is kept. */
function resolveUnder(directory: string, relativePath: string): string {
  const [path, ...query] = directory.split(/(?=[?#])/);
  return `${path.replace(/\/*$/, '/')}${relativePath}${query.join('')}`;
}

/** Whether a server sent a page: many answer with their start page where there is no file. */
function isPage(response: Response, bytes: Uint8Array): boolean {
  if (response.headers.get('content-type')?.startsWith('text/html')) return true;
  return /^\s*<(?:!doctype\s+html|html)/i.test(new TextDecoder().decode(bytes.subarray(0, 256)));
}

async function fetchFile(address: string): Promise<Uint8Array> {
  const missing = (what: string, cause?: unknown) =>
    new MissingFileError({ what, where: address, remedy: 'check the address of the nowcaster directory', cause });
  let response: Response;
  try {
    response = await fetch(address);
  } catch (cause) {
    throw missing('cannot fetch', cause);
  }
  if (!response.ok) throw missing(`cannot fetch (status ${response.status})`);
  const bytes = new Uint8Array(await response.arrayBuffer());
  if (isPage(response, bytes)) throw missing('answered with an HTML page');
  return bytes;
}

/**
 * Reads files over HTTP (or whatever `fetch` takes).
 *
 * @param directory address of the nowcaster directory, absolute, or in a page relative to it.
 * @returns a source that throws {@link MissingFileError} where there is no file or a page instead.
 */
export function fetchSource(directory: string | URL): NowcasterSource {
  return (relativePath) => fetchFile(resolveUnder(String(directory), relativePath));
}
