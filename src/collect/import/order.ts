// In which order checkpoints stand in a run, by the numbers in their names. Times of files decide nothing.

import { UsageError } from '../../errors.js';
import { compareNaturally } from '../../naturalOrder.js';
import type { SnapshotCadence } from '../../trajectory/cadence.js';

/** How checkpoints are ordered: by a number in their names, by their last number, by name, or as they were given. */
export const IMPORT_ORDERS = ['number', 'last-number', 'name', 'given'] as const;
export type ImportOrder = (typeof IMPORT_ORDERS)[number];

/** A whole number in a name. */
export interface NumberInName {
  value: number;
  /** The word before it, in lower case: `epoch` in `epoch=07`; empty where there is none. */
  label: string;
}

const EPOCH_LABELS = /^(e|ep|epochs?)$/;
const STEP_LABELS = /^(steps?|it|iters?|iterations?|ckpts?|checkpoints?|snapshots?|updates?|batch(es)?)$/;
/** What is counted by no checkpoint: metrics, settings, versions. */
const OTHER_LABELS =
  /^(v|version|seed|fold|rank|lr|bs|acc|accuracy|loss|val|err|error|auc|f\d?|psnr|ssim|mse|rmse|mae|top|map|ap|iou|miou|bleu|ppl|score|metric|dice|recall|precision|fid|reward|best|of)$/;

/**
 * A date with a time is one number. `0.52` and `5e-03` are decimals, and so the values of metrics rather than epochs.
 */
const NUMBERS =
  /(?<!\d)((?:19|20)\d{2})[-_]?([01]\d)[-_]?([0-3]\d)[-_T ]+([0-2]\d)[-_:h]?([0-5]\d)(?:[-_:m]?([0-5]\d))?(?!\d)|\d+(?:\.\d+)?(?:[eE][-+]\d+)?/g;

/** The whole numbers in a name, first to last. */
export function numbersOf(name: string): NumberInName[] {
  return [...name.matchAll(NUMBERS)].flatMap((match) => {
    const [text, ...time] = match;
    const isTime = time[0] !== undefined;
    if (!isTime && !/^\d+$/.test(text)) return [];
    const before = /(?<![A-Za-z\d])([A-Za-z]+)[=_\-. /\\]?$|([a-z])([A-Z][a-z]*)[=_-]?$/.exec(
      name.slice(0, match.index),
    );
    const value = Number(isTime ? time.map((part) => part ?? '00').join('') : text);
    return [{ value, label: isTime ? '' : (before?.[1] ?? before?.[3] ?? '').toLowerCase() }];
  });
}

/** A number of every name by which they could be ordered. */
interface Candidate {
  numbers: number[];
  label: string;
}

const isDistinct = (numbers: readonly number[]) => new Set(numbers).size === numbers.length;
const placesBy = (numbers: readonly number[]) => numbers.map((_, i) => i).sort((a, b) => numbers[a] - numbers[b]);

/** The numbers that stand behind a word in every name and tell the names apart. */
function labelledCandidates(all: readonly NumberInName[][]): Candidate[] {
  const labels = new Set(all[0].map(({ label }) => label));
  return [EPOCH_LABELS, STEP_LABELS].flatMap((known) =>
    [...labels].flatMap((label) => {
      if (!known.test(label)) return [];
      const numbers = all.map((row) => row.findLast((number) => number.label === label)?.value ?? Number.NaN);
      return numbers.some(Number.isNaN) || !isDistinct(numbers) ? [] : [{ numbers, label }];
    }),
  );
}

/** The numbers at the same place in every name, counted from the end or from the start, that tell the names apart. */
function plainCandidates(all: readonly NumberInName[][]): Candidate[] {
  const counts = all.map(({ length }) => length);
  const columns = Math.min(...counts);
  const places = Array.from({ length: columns }, (_, place) => -1 - place);
  if (new Set(counts).size > 1) places.push(...Array.from({ length: columns }, (_, place) => place));
  return places.flatMap((place) => {
    const column = all.map((row) => row.at(place) as NumberInName);
    const numbers = column.map(({ value }) => value);
    return column.some(({ label }) => OTHER_LABELS.test(label)) || !isDistinct(numbers)
      ? []
      : [{ numbers, label: column[0].label }];
  });
}

function isEven(numbers: readonly number[]): boolean {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted.every((number, i) => i === 0 || number - sorted[i - 1] === sorted[1] - sorted[0]);
}

/** Checkpoints in order. */
export interface Ordered<T> {
  items: T[];
  /** Their numbers, and the word before them; null where they were not ordered by numbers. */
  numbers: number[] | null;
  label: string;
}

const arrangeBy = <T>(items: T[], { numbers, label }: Candidate): Ordered<T> => {
  const places = placesBy(numbers);
  return { items: places.map((i) => items[i]), numbers: places.map((i) => numbers[i]), label };
};

interface Named {
  name: string;
  path: string;
}

const show = (items: readonly Named[], places: readonly number[]) => {
  const names = places.slice(0, 4).map((i) => items[i].name);
  return `${names.join(', ')}${places.length > 4 ? ', ...' : ''}`;
};

function ambiguous(items: readonly Named[], one: readonly number[], other: readonly number[]): UsageError {
  return new UsageError({
    what: `the numbers in the names tell two orders: ${show(items, one)}; or ${show(items, other)}`,
    where: items[0].path,
    remedy:
      'choose with --order name (as names are counted), --order last-number, or --order given as they stand on the ' +
      'command line',
  });
}

/**
 * The number that tells the order: the one with a word (epoch, then step, iter, ckpt); else the one that is evenly spaced
 * and agrees with the natural order of the names; else the only one there is.
 *
 * @throws {@link UsageError} when the names tell two orders.
 */
function findOrder(items: readonly Named[]): Candidate | null {
  const all = items.map(({ name }) => numbersOf(name));
  const key = ({ numbers }: Candidate) => placesBy(numbers).join();
  const labelled = labelledCandidates(all);
  const disagreeing = labelled.find((candidate) => key(candidate) !== key(labelled[0]));
  if (disagreeing !== undefined) throw ambiguous(items, placesBy(labelled[0].numbers), placesBy(disagreeing.numbers));
  if (labelled.length > 0) return labelled[0];
  const plain = plainCandidates(all);
  if (plain.length === 0) return null;
  const natural = items.map((_, i) => i).sort((a, b) => compareNaturally(items[a].name, items[b].name));
  const even = plain.filter(({ numbers }) => isEven(numbers));
  const fitting = even.filter((candidate) => key(candidate) === natural.join());
  const orders = new Set(plain.map(key));
  if (orders.size > 1 && fitting.length === 0) {
    const other = plain.find((candidate) => key(candidate) !== key(plain[0])) as Candidate;
    throw ambiguous(items, placesBy(other.numbers), placesBy(plain[0].numbers));
  }
  if (orders.size === 1 && key(plain[0]) !== natural.join())
    throw ambiguous(items, natural, placesBy(plain[0].numbers));
  return fitting[0] ?? even[0] ?? plain[0];
}

/**
 * Brings checkpoints into the order of their run.
 *
 * @param items names without the endings that tell their format, with the directories in which they differ.
 * @throws {@link UsageError} when their names hold no number that tells them apart, or tell two orders.
 */
export function orderByName<T extends Named>(items: T[], order: ImportOrder): Ordered<T> {
  switch (order) {
    case 'given':
      return { items, numbers: null, label: '' };
    case 'name':
      return { items: items.toSorted((a, b) => compareNaturally(a.name, b.name)), numbers: null, label: '' };
    case 'number':
    case 'last-number': {
      const last = plainCandidates(items.map(({ name }) => numbersOf(name)));
      const candidate = order === 'number' ? findOrder(items) : last[0];
      if (candidate) return arrangeBy(items, candidate);
      throw new UsageError({
        what: 'no number in the names tells the checkpoints apart',
        where: `${items[0].path} ... ${items[items.length - 1].path}`,
        remedy: 'order them with --order name, or with --order given as they stand on the command line',
      });
    }
    default:
      return order satisfies never;
  }
}

/** Whether a number of a name counts epochs or steps, by the word before it. */
export function isCounted({ label }: NumberInName): boolean {
  return EPOCH_LABELS.test(label) || STEP_LABELS.test(label);
}

/** Words of {@link STEP_LABELS} that count steps even where they ascend by one; `checkpoint_2` may be an epoch's. */
const CERTAIN_STEPS = /^(steps?|it|iters?|iterations?|updates?)$/;

/**
 * The cadence of checkpoints by the numbers in their names; undefined where these do not tell it.
 *
 * @param numbers ascending.
 */
export function cadenceOf({
  numbers,
  label,
}: Pick<Ordered<unknown>, 'numbers' | 'label'>): SnapshotCadence | undefined {
  const unit = unitOf(label);
  if (unit === null || numbers === null || numbers.length < 2 || !isEven(numbers)) return undefined;
  const every = numbers[1] - numbers[0];
  return every === 1 && unit === 'step' && !CERTAIN_STEPS.test(label) ? undefined : { unit, every };
}

/** What a label counts. */
export function unitOf(label: string): 'epoch' | 'step' | null {
  if (EPOCH_LABELS.test(label)) return 'epoch';
  return STEP_LABELS.test(label) ? 'step' : null;
}
