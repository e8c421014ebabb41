// How readers of other people's formats say what is wrong with a file.

import { CorruptFileError } from '../errors.js';
import { printableName } from '../printable.js';

/**
 * The error for a file whose content is not what its format demands.
 *
 * @param format e.g. `npz`.
 * @param problem may hold names from the file: what is no printable text in it is left out.
 */
export function corruptFile(path: string, format: string, problem: string, cause?: unknown): CorruptFileError {
  return new CorruptFileError({
    what: `not a whole ${format} file (${printableName(problem)})`,
    where: path,
    remedy: 'save or copy it again, or leave it out',
    cause,
  });
}
