// A run that was imported, as its user is told of it.

import type { RunStatus, TensorKind } from '../../trajectory/schema.js';
import type { LeftOut } from './select.js';

/** One run of an import. */
export interface ImportedRun {
  id: string;
  directory: string;
  /** False when the store had the same run already. */
  written: boolean;
  /**
   * `diverged` when a checkpoint held a weight that is not finite: the snapshots before it are the run. `interrupted` when the
   * format says that the training did not come to its end.
   */
  status: RunStatus;
  reason: string | null;
  snapshots: number;
  /** The files in the order of the snapshots. */
  files: string[];
  /** How many tensors and how many values of each kind a checkpoint has. */
  kinds: Partial<Record<TensorKind, { tensors: number; parameters: number }>>;
  /** Tensors that were brought to the layout [kh, kw, in, out] or [in, out]. */
  converted: number;
  /** Arrays of the first checkpoint that are not in the run. */
  leftOut: LeftOut;
  /** Of files that hold several dictionaries of tensors: the one that was taken, and the others. */
  dictionary: { key: string; others: string[] } | null;
}
