// `wnn train --grid`: parses the axes, and prints a table a kind of what each point gains over no change.

import { UsageError } from '../errors.js';
import { FARTHEST_HORIZON, LONGEST_WINDOW, TRAINED_KINDS, type TrainedKind } from '../nowcaster/spec.js';
import { GRID_AXES, type GridAxis, type GridResult, trainGrid } from '../pipeline/grid.js';
import type { TrainOptions } from '../train/index.js';
import { groupList } from './lists.js';
import { formatTable } from './table.js';
import { type GlobalArguments, interruptSignal, openTerminal, printResult } from './terminal.js';

/** The largest number of each axis. */
const LIMITS: Record<GridAxis, number> = { inputLength: LONGEST_WINDOW, horizon: FARTHEST_HORIZON };

/** `inputLength=3,5` and `horizon=5` as numbers of each axis. */
function parseGrid(words: readonly string[]): Partial<Record<GridAxis, number[]>> {
  const axes: Partial<Record<GridAxis, number[]>> = {};
  for (const [name, texts] of Object.entries(groupList(words, '--grid'))) {
    const axis = GRID_AXES.find((known) => known === name);
    const values = texts.map((text) => (/^\d+$/.test(text) ? Number(text) : Number.NaN));
    if (axis === undefined || values.some((value) => !(value >= 1 && value <= LIMITS[axis])))
      throw new UsageError({
        what: `cannot read ${name}=${texts.join(',')}`,
        where: '--grid',
        remedy: `write ${GRID_AXES.map((known) => `${known}=NUMBER,NUMBER (to ${LIMITS[known]})`).join(' or ')}`,
      });
    axes[axis] = [...new Set(values)];
  }
  return axes;
}

/**
 * The network's error as a share of that of no change, lengths down and horizons across. Of the weights themselves, as
 * normalized units differ from length to length.
 */
function formatKind(kind: TrainedKind, { points }: GridResult): string {
  const unique = (values: number[]) => [...new Set(values)];
  const horizons = unique(points.map(({ horizon }) => horizon));
  const rows = unique(points.map(({ inputLength }) => inputLength)).map((length) => [
    `L ${length}`,
    ...horizons.map((horizon) => {
      const point = points.find((point) => point.inputLength === length && point.horizon === horizon);
      const errors = point?.kinds[kind]?.rawValidation;
      return errors ? `${((100 * errors.network) / errors.noChange).toFixed(1)}%` : '-';
    }),
  ]);
  return formatTable([kind, ...horizons.map((horizon) => `H ${horizon}`)], rows);
}

function describeGrid(result: GridResult): string {
  const kinds = TRAINED_KINDS.filter((kind) => result.points.some(({ kinds }) => kinds[kind]));
  return [
    'Error of the forecast weights on held-out runs, as a share of the error of no change (lower is better):',
    ...kinds.map((kind) => `\n${formatKind(kind, result)}`),
    '',
    `Results: ${result.path}`,
  ].join('\n');
}

/** Runs a grid over the store that stands in the place of the samples. */
export async function runGrid(
  argv: GlobalArguments,
  grid: readonly string[],
  scalarsPerTensor: number | undefined,
  { samples: stores, out, ...train }: TrainOptions,
): Promise<void> {
  const axes = parseGrid(grid);
  const terminal = openTerminal(argv);
  let result: GridResult;
  try {
    result = await trainGrid({
      stores,
      out,
      axes,
      dataset: { scalarsPerTensor, kinds: train.kinds, seed: train.seed },
      train,
      signal: interruptSignal(terminal),
      onProgress: terminal.progress,
      onNote: terminal.note,
    });
  } finally {
    terminal.close();
  }
  printResult(argv, result, () => describeGrid(result));
}
