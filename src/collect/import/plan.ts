// Which runs checkpoints make, what each is called, and in which order its checkpoints stand.

import { basename, dirname, resolve } from 'node:path';
import { InsufficientDataError, UsageError } from '../../errors.js';
import type { NoteListener } from '../../progress.js';
import type { CheckpointImporter } from '../importers/importer.js';
import { type ImportOrder, orderByName } from './order.js';
import type { Source } from './sources.js';

/** A run to make. */
export interface PlannedImport {
  id: string;
  importer: CheckpointImporter;
  /** In the order of the run. */
  files: string[];
}

/** Letters, digits, `.`, `_` and `-` of a text. */
const asId = (text: string) => text.replace(/[^A-Za-z0-9._-]+/g, '-').replace(/^[^A-Za-z0-9]+|-+$/g, '');

/** The directory that the checkpoints have in common: of one that holds each in a directory of its own, the outer one. */
function commonDirectory(files: readonly string[]): string {
  let directory = dirname(resolve(files[0]));
  while (!files.every((file) => resolve(file).startsWith(`${directory}/`)) && directory !== dirname(directory))
    directory = dirname(directory);
  return directory;
}

/**
 * The runs that checkpoints of one format make.
 *
 * @param id of the run; of several runs, what their ids begin with. Default: from the names of files or directory.
 * @throws {@link UsageError} when two runs would have the same id, or no number tells the order;
 *   {@link InsufficientDataError} for a single checkpoint.
 */
export function planImports(
  sources: Source[],
  { order = 'number', id, onNote }: { order?: ImportOrder; id?: string; onNote?: NoteListener },
): PlannedImport[] {
  const { importer } = sources[0];
  if (importer.isTrajectory) {
    const ids = sources.map(({ path, name }) => {
      const own = asId(basename(name)) || 'run';
      if (id !== undefined) return sources.length === 1 ? id : `${id}-${own}`;
      return `import-${asId(basename(dirname(resolve(path))))}-${own}`;
    });
    const twice = ids.find((text, i) => ids.indexOf(text) !== i);
    if (twice !== undefined) {
      throw new UsageError({ what: `two runs would be ${twice}`, where: '--id', remedy: 'import them one by one' });
    }
    return sources.map(({ path }, i) => ({ id: ids[i], importer, files: [path] }));
  }
  if (sources.length < 2) {
    throw new InsufficientDataError({
      what: 'one checkpoint is no trajectory',
      where: sources[0].path,
      remedy: 'import the checkpoints of every epoch of a training together',
    });
  }
  const { items, numbers } = orderByName(sources, order);
  const gap = numbers?.findIndex((number, i) => i > 1 && number - numbers[i - 1] !== numbers[1] - numbers[0]) ?? -1;
  if (numbers !== null && gap > 0) {
    onNote?.(
      `the numbers of the checkpoints are not evenly spaced (${numbers[gap - 1]} is followed by ${numbers[gap]}): ` +
        'in the run each is an epoch, the next after the one before',
    );
  }
  const files = items.map(({ path }) => path);
  return [{ id: id ?? `import-${asId(basename(commonDirectory(files))) || 'run'}`, importer, files }];
}
