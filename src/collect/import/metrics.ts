// The metrics of a training from the log that it left: Keras's CSVLogger, Lightning's metrics.csv, trainer_state.json of
// transformers. Which rows belong to which checkpoint is decided by epochs or steps.

import { readFileSync } from 'node:fs';
import { CorruptFileError, MissingFileError, UsageError } from '../../errors.js';
import { parseJson } from '../../formats/parseJson.js';
import type { NoteListener } from '../../progress.js';
import { quantity } from '../../quantity.js';
import { unitOf } from './order.js';

type Metrics = Record<string, number>;

/** One row of a log. */
interface LogRow {
  epoch: number | null;
  step: number | null;
  metrics: Metrics;
}

/** A log, and how it counts epochs. */
interface MetricsLog {
  rows: LogRow[];
  /** `whole`: an epoch's rows bear its number. `passed`: rows bear the epochs that have passed, with fractions. */
  epochs: 'whole' | 'passed';
  /** CSVLogger counts epochs from 0, the names of ModelCheckpoint from 1. */
  isKeras: boolean;
}

function corrupt(path: string, problem: string): CorruptFileError {
  return new CorruptFileError({
    what: `not a log of metrics (${problem})`,
    where: path,
    remedy: "give the file of Keras's CSVLogger, Lightning's metrics.csv, or trainer_state.json",
  });
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const finiteOrNull = (value: unknown) => (typeof value === 'number' && Number.isFinite(value) ? value : null);

function rowOf(fields: [name: string, value: unknown][]): LogRow {
  const values = Object.fromEntries(fields);
  const metrics = fields.filter(([name, value]) => typeof value === 'number' && name !== 'epoch' && name !== 'step');
  return {
    epoch: finiteOrNull(values.epoch),
    step: finiteOrNull(values.step),
    metrics: Object.fromEntries(metrics) as Metrics,
  };
}

function parseTrainerState(text: string, path: string): MetricsLog {
  let state: unknown;
  try {
    state = parseJson(text);
  } catch {
    throw corrupt(path, 'it is not JSON');
  }
  const history = isObject(state) ? state.log_history : undefined;
  if (!Array.isArray(history) || !history.every(isObject)) throw corrupt(path, 'it has no log_history');
  return { rows: history.map((entry) => rowOf(Object.entries(entry))), epochs: 'passed', isKeras: false };
}

/** Fields of a line; those in double quotes may hold commas. */
function splitLine(line: string): string[] {
  return [...line.matchAll(/("(?:[^"]|"")*"|[^,]*)(?:,|$)/g)]
    .slice(0, -1)
    .map(([, field]) => field.replace(/^"|"$/g, ''));
}

function parseCsv(text: string, path: string): MetricsLog {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  const separator = lines[0]?.includes(';') && !lines[0].includes(',') ? ';' : ',';
  const split = (line: string) => (separator === ';' ? line.split(';') : splitLine(`${line},`));
  const header = split(lines[0] ?? '').map((name) => name.trim());
  if (!header.includes('epoch') && !header.includes('step')) throw corrupt(path, 'no column is called epoch or step');
  const rows = lines.slice(1).map((line) => {
    const fields = split(line).map((field) => field.trim());
    return rowOf(
      header.flatMap((name, i): [string, unknown][] => {
        const field = fields[i] ?? '';
        const value = /^[-+]?(inf|infinity)$/i.test(field) ? Number.POSITIVE_INFINITY : Number(field);
        return field === '' || name === '' ? [] : [[name, Number.isNaN(value) && !/^nan$/i.test(field) ? null : value]];
      }),
    );
  });
  return { rows, epochs: 'whole', isKeras: !header.includes('step') };
}

function readLog(path: string): MetricsLog {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new MissingFileError({ what: 'cannot read the metrics', where: path, remedy: 'check the path', cause });
  }
  const log = /^\s*\{/.test(text) ? parseTrainerState(text, path) : parseCsv(text, path);
  if (log.rows.length === 0) throw corrupt(path, 'it has no rows');
  return log;
}

const merge = (rows: readonly LogRow[]): Metrics => Object.assign({}, ...rows.map(({ metrics }) => metrics));

/** The rows since the checkpoint before, for each checkpoint. */
function rowsBetween(rows: readonly LogRow[], of: 'step' | 'epoch', numbers: readonly number[]): LogRow[][] {
  return numbers.map((number, i) =>
    rows.filter((row) => {
      const value = row[of];
      return value !== null && value <= number && (i === 0 || value > numbers[i - 1]);
    }),
  );
}

/** The rows of the checkpoint's own epoch, for each checkpoint. */
function rowsOfEpochs({ rows, isKeras }: MetricsLog, numbers: readonly number[]): LogRow[][] {
  const known = new Set(rows.map(({ epoch }) => epoch));
  const offsets = isKeras ? [1, 0] : [0, 1];
  const matches = (shift: number) => numbers.filter((number) => known.has(number - shift)).length;
  const offset = offsets.toSorted((a, b) => matches(b) - matches(a))[0];
  return numbers.map((number) => rows.filter(({ epoch }) => epoch === number - offset));
}

/**
 * The metrics of each checkpoint of a run.
 *
 * @param path of the log.
 * @param numbers of the checkpoints in order, and the word before them in the names; null: the log's epochs in order.
 * @returns one entry a checkpoint, empty where the log says nothing of it.
 * @throws CorruptFileError, MissingFileError; {@link UsageError} when no row belongs to any checkpoint.
 */
export function readMetricsLog(
  path: string,
  count: number,
  numbers: readonly number[] | null,
  label: string,
  onNote?: NoteListener,
): Metrics[] {
  const log = readLog(path);
  const { rows } = log;
  const epochs = [...new Set(rows.flatMap(({ epoch }) => epoch ?? []))].sort((a, b) => a - b);
  const inOrder = epochs.length === count ? epochs : null;
  const chosen = numbers ?? inOrder;
  const found = (() => {
    if (chosen === null) return [];
    const unit = numbers === null ? 'epoch' : unitOf(label);
    const lastStep = Math.max(...rows.map(({ step }) => step ?? 0));
    // `checkpoint-500` counts steps, `checkpoint-3` epochs.
    const isSteps =
      unit === 'step' &&
      rows.some(({ step }) => step !== null) &&
      chosen.some((number) => number > epochs.length && number <= lastStep + 1);
    if (isSteps) return rowsBetween(rows, 'step', chosen);
    if (log.epochs === 'passed') return rowsBetween(rows, 'epoch', chosen);
    return numbers === null
      ? chosen.map((epoch) => rows.filter((row) => row.epoch === epoch))
      : rowsOfEpochs(log, chosen);
  })();
  const metrics = found.map(merge);
  const missing = metrics.filter((entry) => Object.keys(entry).length === 0).length;
  if (metrics.length === 0 || missing === metrics.length) {
    throw new UsageError({
      what: `no row belongs to a checkpoint (epochs ${epochs[0] ?? '-'} to ${epochs.at(-1) ?? '-'}, ${numbers === null ? `${quantity(count, 'checkpoint')}` : `checkpoints ${numbers[0]} to ${numbers.at(-1)}`})`,
      where: path,
      remedy: 'give the log of this training, or leave --metrics out',
    });
  }
  if (missing > 0) onNote?.(`${path} has no metrics of ${missing} of ${quantity(count, 'checkpoint')}`);
  return metrics;
}
