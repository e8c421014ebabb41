// The split into training and validation runs. Runs are not divided, since windows of one run are too similar.

import { InsufficientDataError, UsageError } from '../errors.js';
import { Random } from '../random.js';
import type { Split, SplitRule } from '../samples/index.js';
import type { DatasetSettings } from './options.js';
import type { UsableRun } from './runs.js';

/** Letters and digits of a name in lower case: `ResNet-32` equals `resnet32`. */
function plainName(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '');
}

/** The split of each run, in order. */
export function splitRuns(runs: readonly UsableRun[], settings: DatasetSettings): Split[] {
  const validation = settings.holdOut ? heldOut(runs, settings.holdOut) : drawShare(runs, settings);
  return runs.map((run) => (validation.has(run) ? 'val' : 'train'));
}

/** The rule as dataset.json records it. */
export function splitRule({ holdOut, validationShare }: DatasetSettings): SplitRule {
  return holdOut
    ? { by: 'holdOut', architectures: holdOut.architecture, tasks: holdOut.task }
    : { by: 'share', validationShare };
}

function heldOut(runs: readonly UsableRun[], holdOut: NonNullable<DatasetSettings['holdOut']>): Set<UsableRun> {
  const chosen = new Set<UsableRun>();
  for (const field of ['architecture', 'task'] as const) {
    for (const name of holdOut[field]) {
      const found = runs.filter((run) => plainName(run[field] ?? '') === plainName(name));
      if (found.length === 0) {
        const known = [...new Set(runs.flatMap((run) => run[field] ?? []))].sort();
        throw new UsageError({
          what: `no run of ${field} ${name}`,
          where: '--hold-out',
          remedy: known.length > 0 ? `choose from ${known.join(', ')}` : `these runs do not record their ${field}`,
        });
      }
      for (const run of found) chosen.add(run);
    }
  }
  if (chosen.size === runs.length)
    throw new InsufficientDataError({
      what: 'every run is held out, none is left for training',
      where: '--hold-out',
      remedy: 'hold out fewer, or record runs of other architectures or tasks',
    });
  return chosen;
}

/**
 * Draws the validation share within each pair of task and architecture, at least one run from each pair with two or more,
 * so that every pair is in the training split and, where possible, in the validation split.
 */
function drawShare(runs: readonly UsableRun[], { validationShare, seed }: DatasetSettings): Set<UsableRun> {
  const chosen = new Set<UsableRun>();
  if (validationShare === 0 || runs.length < 2) return chosen;
  const groups = new Map<string, UsableRun[]>();
  for (const run of runs) {
    const name = `${run.task ?? ''}/${run.architecture ?? ''}`;
    groups.set(name, [...(groups.get(name) ?? []), run]);
  }
  const draw = (name: string, from: UsableRun[], count: number) => {
    for (const run of new Random(seed, 'split', name).shuffle([...from]).slice(0, count)) chosen.add(run);
  };
  for (const [name, group] of groups)
    if (group.length > 1)
      draw(name, group, Math.min(group.length - 1, Math.max(1, Math.round(validationShare * group.length))));
  if (chosen.size === 0)
    draw('all', [...runs], Math.min(runs.length - 1, Math.max(1, Math.round(validationShare * runs.length))));
  return chosen;
}
