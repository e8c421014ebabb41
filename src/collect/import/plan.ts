// Which runs checkpoints make, what each is called, and in which order its checkpoints stand.

import { basename, dirname, resolve } from 'node:path';
import { InsufficientDataError, UsageError } from '../../errors.js';
import type { NoteListener } from '../../progress.js';
import type { CheckpointImporter } from '../importers/importer.js';
import { asId, commonDirectory, type NamedSource, nameSources } from './names.js';
import { type ImportOrder, isCounted, numbersOf, orderByName } from './order.js';
import type { Source } from './sources.js';

/** A run to make. */
export interface PlannedImport {
  id: string;
  importer: CheckpointImporter;
  /** In the order of the run. */
  files: string[];
  /** The number of each checkpoint, and the word before it in the names; null where they are not ordered by numbers. */
  numbers: number[] | null;
  label: string;
}

/** Options of {@link planImports}. */
export interface PlanOptions {
  order?: ImportOrder;
  /** Id of the run; of several runs, what their ids begin with. Default: from the names of files or directory. */
  id?: string;
  onNote?: NoteListener;
}

function planTrajectories(sources: NamedSource[], id: string | undefined): PlannedImport[] {
  const ids = sources.map(({ path, name }) => {
    const own = asId(basename(name));
    if (id !== undefined) return sources.length === 1 ? id : `${id}-${own || 'run'}`;
    // Of a file that makes its directory a run, the own name is the directory's.
    return ['import', ...new Set([asId(basename(dirname(resolve(path)))), own])]
      .filter((part) => part !== '')
      .join('-');
  });
  const twice = ids.find((text, i) => ids.indexOf(text) !== i);
  if (twice !== undefined) {
    throw new UsageError({ what: `two runs would be ${twice}`, where: '--id', remedy: 'import them one by one' });
  }
  return sources.map(({ path, importer }, i) => ({ id: ids[i], importer, files: [path], numbers: null, label: '' }));
}

/** Words for checkpoints that repeat one of the numbered ones, or are an average of them. */
const SPECIAL = /(^|[^a-z])(best|last|latest|final|ema|swa|average[d]?)([^a-z]|$)/i;

/** Leaves out what stands beside the numbered checkpoints of a run: the best, the last, the finished model. */
function leaveOutSpecial(sources: NamedSource[], onNote?: NoteListener): NamedSource[] {
  const isAny = (test: (source: NamedSource) => boolean) => sources.filter(test).length >= 2;
  const counted = ({ name }: NamedSource) => numbersOf(name).some(isCounted);
  const numbered = ({ name }: NamedSource) => numbersOf(name).length > 0;
  const rules = [({ name }: NamedSource) => !SPECIAL.test(name), counted, numbered];
  const kept = rules.reduce(
    (rest, rule) => (isAny((source) => rest.includes(source) && rule(source)) ? rest.filter(rule) : rest),
    sources,
  );
  const skipped = sources.filter((source) => !kept.includes(source));
  if (skipped.length > 0) {
    const names = skipped.slice(0, 4).map(({ path }) => path);
    onNote?.(`left out beside the numbered checkpoints: ${names.join(', ')}${skipped.length > 4 ? ', ...' : ''}`);
  }
  return kept;
}

/** Two or more models in one directory: `generator_1`, `discriminator_1`, `generator_2`, ... */
function refuseSeveralModels(sources: NamedSource[]): void {
  const stems = new Map<string, string[]>();
  for (const { name } of sources) {
    const stem = name.replace(/\d+(\.\d+)?/g, '*');
    stems.set(stem, [...(stems.get(stem) ?? []), name]);
  }
  const counts = [...stems.values()].map(({ length }) => length);
  const repeats = (name: string) =>
    numbersOf(name)
      .map(({ value }) => value)
      .join();
  const models = [...stems.values()].map((names) => new Set(names.map(repeats)));
  const isRepeated = models.length > 1 && counts.every((count) => count > 1 && count === counts[0]);
  if (!isRepeated || !models.every((numbers) => [...numbers].every((number) => models[0].has(number)))) return;
  const patterns = [...stems.keys()].map((stem) => basename(stem));
  throw new UsageError({
    what: `checkpoints of ${models.length} models, ${patterns.join(' and ')}`,
    where: dirname(sources[0].path),
    remedy: `choose those of one with --select '${patterns[0]}*'`,
  });
}

/**
 * The runs that checkpoints of one format make.
 *
 * @throws {@link UsageError} when two runs would have the same id, no number tells the order, or the names tell two;
 *   {@link InsufficientDataError} for a single checkpoint.
 */
export function planImports(sources: Source[], { order = 'number', id, onNote }: PlanOptions): PlannedImport[] {
  const { importer } = sources[0];
  const named = nameSources(sources);
  if (importer.isTrajectory) return planTrajectories(named, id);
  if (order === 'number') refuseSeveralModels(named);
  const kept = order === 'number' ? leaveOutSpecial(named, onNote) : named;
  if (kept.length < 2) {
    throw new InsufficientDataError({
      what: 'one checkpoint is no trajectory',
      where: kept[0].path,
      remedy: 'import the checkpoints of every epoch of a training together',
    });
  }
  const { items, numbers, label } = orderByName(kept, order);
  const gap = numbers?.findIndex((number, i) => i > 1 && number - numbers[i - 1] !== numbers[1] - numbers[0]) ?? -1;
  if (numbers !== null && gap > 0) {
    onNote?.(
      `the numbers of the checkpoints are not evenly spaced (${numbers[gap - 1]} is followed by ${numbers[gap]}): ` +
        'in the run each is an epoch, the next after the one before',
    );
  }
  const files = items.map(({ path }) => path);
  const directory = commonDirectory(files);
  return [{ id: id ?? `import-${asId(basename(directory)) || 'run'}`, importer, files, numbers, label }];
}
