// The columns of the statistics of whole tensors, which stand beside the scalars that a sampled run keeps of each.

import * as arrow from 'apache-arrow';
import type { TensorStatistics } from './schema.js';

/** Names of the columns in the log and in the Parquet, float32 each. */
export const STATISTICS_COLUMNS = ['mean', 'rms', 'change_mean', 'change_rms'] as const;

const FIELDS = ['mean', 'rms', 'changeMean', 'changeRms'] as const satisfies readonly (keyof TensorStatistics)[];

/** Empty columns for so many tensors. */
export function statisticsColumns(rows: number): Record<string, arrow.Data> {
  const column = () => arrow.makeData({ type: new arrow.Float32(), data: new Float32Array(rows) });
  return Object.fromEntries(STATISTICS_COLUMNS.map((name) => [name, column()]));
}

/**
 * The columns within a batch that was read from memory, as views of it, empty padding left out.
 *
 * @param column finds a column's data.
 */
export function viewStatistics(column: (name: string) => arrow.Data, rows: number): Float32Array[] {
  return STATISTICS_COLUMNS.map((name) => (column(name).values as Float32Array).subarray(0, rows));
}

/** Writes statistics into columns, row i those of tensor `order[i]`; without an order, in that of the tensors. */
export function fillStatistics(
  columns: readonly Float32Array[],
  statistics: readonly TensorStatistics[],
  order?: readonly number[],
): void {
  for (const [c, column] of columns.entries())
    for (let row = 0; row < column.length; row++) column[row] = statistics[order?.[row] ?? row][FIELDS[c]];
}

/** What {@link fillStatistics} wrote: the statistics of each row. */
export function takeStatistics(columns: readonly Float32Array[], rows: number, start = 0): TensorStatistics[] {
  return Array.from({ length: rows }, (_, row) => {
    const [mean, rms, changeMean, changeRms] = columns.map((column) => column[start + row]);
    return { mean, rms, changeMean, changeRms };
  });
}
