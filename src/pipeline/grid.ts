// The paper's table: one training a pair of input length and horizon, each on samples of its own. It only calls the
// dataset and train stages, point after point; each goes on where it was interrupted.

import { join } from 'node:path';
import { writeJsonAtomic } from '../atomic.js';
import { buildDataset, type DatasetOptions } from '../dataset/index.js';
import { UsageError } from '../errors.js';
import type { TrainedKind } from '../nowcaster/spec.js';
import type { KindTraining } from '../nowcaster/trainingRecord.js';
import type { NoteListener, ProgressListener } from '../progress.js';
import { type TrainOptions, trainNowcaster } from '../train/index.js';

/** Version of `grid.json`. */
const GRID_SCHEMA_VERSION = 1;

/** The values that a grid can run over. */
export const GRID_AXES = ['inputLength', 'horizon'] as const;
export type GridAxis = (typeof GRID_AXES)[number];

/** Options of {@link trainGrid}. */
export interface GridOptions {
  /** Trajectory stores: one directory or several. */
  stores: string | string[];
  /** Directory for `grid.json` and one directory a point, `L5-H5`, with its samples and its training. */
  out: string;
  /** Values of each axis, in the order of the table. Default: 5 alone. */
  axes: Partial<Record<GridAxis, number[]>>;
  /** How samples are drawn, the same at each point. Default: the dataset stage's defaults. */
  dataset?: Omit<DatasetOptions, 'stores' | 'out' | 'inputLength' | 'horizons' | 'reuse'>;
  /** How networks are trained, the same at each point. */
  train?: Omit<TrainOptions, 'samples' | 'out'>;
  onProgress?: ProgressListener;
  onNote?: NoteListener;
  signal?: AbortSignal;
}

/** One trained point. */
export interface GridPoint {
  inputLength: number;
  horizon: number;
  /** Directory of its training, with `train.json`; relative to the grid's. */
  out: string;
  kinds: Partial<
    Record<TrainedKind, Pick<KindTraining, 'trainSamples' | 'validationSamples' | 'validation' | 'rawValidation'>>
  >;
}

/** Result of {@link trainGrid}; `grid.json` holds its points. */
export interface GridResult {
  path: string;
  points: GridPoint[];
}

/**
 * Trains a nowcaster for every pair of input length and horizon. Called again it keeps what is whole and does the rest.
 *
 * @throws the errors of the dataset and train stages; `signal.reason` when aborted.
 */
export async function trainGrid(options: GridOptions): Promise<GridResult> {
  const { stores, out, axes, onProgress, onNote, signal } = options;
  const path = join(out, 'grid.json');
  const points: GridPoint[] = [];
  const { inputLength: lengths = [5], horizon: horizons = [5] } = axes;
  if (lengths.length === 0 || horizons.length === 0)
    throw new UsageError({ what: 'an axis without values', where: '--grid', remedy: 'give it at least one number' });
  for (const inputLength of lengths) {
    for (const horizon of horizons) {
      const point = `L${inputLength}-H${horizon}`;
      const samples = join(out, point, 'samples');
      const training = join(out, point, 'training');
      const onPointProgress: ProgressListener = (event) => onProgress?.({ ...event, task: `${point} ${event.task}` });
      const shared = { onProgress: onPointProgress, onNote, signal };
      const sampling = { ...options.dataset, ...shared, inputLength, horizons: [horizon] };
      await buildDataset({ ...sampling, stores, out: samples, reuse: true });
      const { record } = await trainNowcaster({ ...options.train, ...shared, samples, out: training });
      const kinds = Object.entries(record.kinds).map(
        ([kind, { trainSamples, validationSamples, validation, rawValidation }]) => [
          kind,
          { trainSamples, validationSamples, validation, rawValidation },
        ],
      );
      points.push({ inputLength, horizon, out: join(point, 'training'), kinds: Object.fromEntries(kinds) });
      writeJsonAtomic(path, { schemaVersion: GRID_SCHEMA_VERSION, points });
    }
  }
  return { path, points };
}
