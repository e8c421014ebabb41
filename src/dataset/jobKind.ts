// The job kind of the dataset stage: one job extracts one run into a part.

import { existsSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { UsageError } from '../errors.js';
import { quoteValue } from '../formats/parseJson.js';
import type { JobKind } from '../jobs/index.js';
import { isNowcastSchedule } from '../nowcaster/schedule.js';
import { familyProblem, sampleInputs, spanOf, TRAINED_KINDS, windowSpecProblem } from '../nowcaster/spec.js';
import { countValues } from '../trajectory/manifest.js';
import { inputColumns } from '../windows/inputs/index.js';
import type { RunTask } from './extractRun.js';
import { MOST_SCALARS } from './options.js';
import { slotBytes } from './packets.js';
import { isPartWhole } from './part.js';
import { megabytesOf, type PartJob, partId, partPath } from './partJob.js';

/** Upper limits for tasks from a queue. */
const LIMITS = { tensors: 100_000, name: 1000, size: 2 ** 40, snapshots: 1e7, rows: 8192, bytes: 2 ** 32 };

/** Extracts runs into parts. */
export const datasetJobs: JobKind<PartJob> = {
  name: 'dataset',
  entry: new URL('./worker.js', import.meta.url),
  isDone: (parts, id) => isPartWhole(partPath(parts, id)),
  outputsOf: (id) => [`${id}.part`],
  unitsOf: ({ task }) => megabytesOf(task),
  unit: 'MB',
  rateUnit: 'MB',
  pack: ({ task, sha256 }, share) => ({ task: { ...task, directory: share(task.directory) }, sha256 }),
  unpack(data, id, { staging, resolve }) {
    const { task, sha256 } = (data ?? {}) as { task?: RunTask; sha256?: unknown };
    if (typeof task !== 'object' || task === null) throw wrong('task', task);
    if (typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256)) throw wrong('hash', sha256);
    checkSizes(task);
    if (partId(task, sha256) !== id) throw wrong('id', id);
    const directory = resolve(task.directory);
    if (!existsSync(directory)) throw wrong('run (not found)', task.directory);
    return { task: { ...task, directory }, sha256, out: staging };
  },
};

function wrong(field: string, value: unknown): UsageError {
  return new UsageError({
    what: `refused part: impossible ${field}`,
    where: quoteValue(value),
    remedy: 'plan it with `wnn dataset`',
  });
}

/** @throws {@link UsageError} for a task that no plan produces, or one that needs too much memory. */
function checkSizes(task: RunTask): void {
  const { spec, packet, shards, tensors } = task;
  const isWhole = (value: unknown, least: number, most: number): value is number =>
    Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most;
  if (typeof task.id !== 'string' || typeof task.diverged !== 'boolean') throw wrong('run', task.id);
  if (typeof spec !== 'object' || spec === null || !Array.isArray(spec.horizons)) throw wrong('spec', spec);
  const problem = windowSpecProblem(spec) ?? familyProblem(spec.family);
  if (problem !== null) throw wrong(`spec (${problem})`, spec);
  if (!isWhole(task.windowStride, 1, LIMITS.snapshots)) throw wrong('windowStride', task.windowStride);
  if (!isWhole(task.firstSnapshot, 0, LIMITS.snapshots)) throw wrong('firstSnapshot', task.firstSnapshot);
  if (!isWhole(task.keepEvery, 1, LIMITS.snapshots)) throw wrong('keepEvery', task.keepEvery);
  if (!(task.minRange >= 0 && task.minRange < 1)) throw wrong('minRange', task.minRange);
  const { nowcasts } = task;
  if (nowcasts !== undefined && !isNowcastSchedule(nowcasts)) throw wrong('nowcasts', nowcasts);
  if (!isWhole(task.snapshots, 1, LIMITS.snapshots)) throw wrong('snapshots', task.snapshots);
  if (typeof task.seed !== 'number') throw wrong('seed', task.seed);
  if (!isWhole(packet?.rows, 1, LIMITS.rows) || packet.inputLength !== spec.inputLength) throw wrong('packet', packet);
  const inputs = inputColumns(sampleInputs(spec.family).slice(1), spec);
  if (packet.horizons !== spec.horizons.length || !isDeepStrictEqual(packet.inputs, inputs))
    throw wrong('packet', packet);
  if (!TRAINED_KINDS.every((kind) => isWhole(shards?.[kind], 0, 1e6))) throw wrong('shards', shards);
  const filling = TRAINED_KINDS.reduce((sum, kind) => sum + shards[kind], 1);
  if (filling * slotBytes(packet) > LIMITS.bytes) throw wrong('shards', shards);
  if (!Array.isArray(tensors) || tensors.length > LIMITS.tensors) throw wrong('tensors', tensors);
  for (const tensor of tensors) {
    const { name, kind, shape, size, sampled, count } = tensor;
    const named = typeof name === 'string' && name.length <= LIMITS.name && TRAINED_KINDS.includes(kind);
    const whole = Array.isArray(shape) ? countValues(shape) : Number.NaN;
    if (typeof sampled !== 'boolean' || !(sampled ? size < whole : size === whole)) throw wrong('tensor', tensor);
    if (!named || !isWhole(size, 0, LIMITS.size) || !isWhole(count, 0, Math.min(size, MOST_SCALARS)))
      throw wrong('tensor', tensor);
  }
  const scalars = tensors.reduce((sum, { count }) => sum + count, 0);
  if (4 * scalars * (spanOf(spec) + 1) > LIMITS.bytes) throw wrong('number of scalars', scalars);
}
