// What a nowcasting callback remembers of a training, as plain data, and whether a training can go on from it.

import { MismatchError } from '../errors.js';
import { describeCadence, type SnapshotCadence, sameCadence } from '../trajectory/cadence.js';
import type { Nowcast } from './nowcast.js';
import type { WindowState } from './snapshotWindow.js';
import type { TrainingPoint } from './trainingPoint.js';
import type { WatchState } from './watch.js';
import type { TrackedTensor } from './weightAccess.js';

/** Where a training stands between two nowcasts. Plain data: keep it with the checkpoint (`v8.serialize`). */
export interface NowcastState {
  schemaVersion: 2;
  cadence: SnapshotCadence;
  /** Names and sizes of the tracked tensors; empty before the first snapshot. */
  tensors: { name: string; size: number }[];
  /** Epochs or steps that have ended. */
  count: number;
  /** Epochs or steps of the whole training; null where nobody knows. */
  length: number | null;
  /** Snapshot whose nowcast is still to be applied; null when there is none. */
  due: number | null;
  window: WindowState;
  /** Nowcasts so far. */
  history: Nowcast[];
  /** Sum of the losses since the last snapshot, and how many; null when one is missing. */
  loss: { sum: number; count: number } | null;
  /** Null where there is no watch. */
  watch: WatchState | null;
  /** What a rollback needs, and whether it has to; null without one. */
  before: { point: TrainingPoint; revert: boolean } | null;
}

/** What a state has to fit. */
interface Expected {
  cadence: SnapshotCadence;
  /** Buffers of the window. */
  slots: number;
  watch: boolean;
}

/** Refuses what is no state for a training. @throws {@link MismatchError} */
export function requireState(state: NowcastState, expected: Expected): void {
  const fail = (what: string) => {
    throw new MismatchError({ what, where: 'restore', remedy: 'give what `state()` returned for this training' });
  };
  const version = (state as Partial<NowcastState> | null)?.schemaVersion as number | undefined;
  if (version !== undefined && version !== 2) fail(`a nowcasting state of version ${version}, this toolkit reads 2`);
  if (version === undefined || !Number.isSafeInteger(state.count)) fail('not a nowcasting state');
  if (!sameCadence(state.cadence, expected.cadence))
    fail(
      `a state of snapshots ${describeCadence(state.cadence)}, this nowcaster takes them ${describeCadence(expected.cadence)}`,
    );
  const arrays = [
    ...state.window.slots,
    ...(state.before
      ? [...state.before.point.weights, ...(state.before.point.optimizer ?? []).map(({ values }) => values)]
      : []),
  ];
  if (!arrays.every((values) => ArrayBuffer.isView(values)))
    fail(
      'a nowcasting state whose arrays are no typed arrays any more, as JSON makes them; keep it with `v8.serialize`',
    );
  const { length } = state.window.slots;
  if (length > 0 && length !== expected.slots)
    fail(`a state of windows of ${length} snapshots, this nowcaster needs ${expected.slots}`);
  if ((state.watch !== null) !== expected.watch)
    fail(
      expected.watch ? 'a state without a watch, and the watch is on' : 'a state with a watch, and the watch is off',
    );
}

/** Refuses a state of other tensors than those of the network. @throws {@link MismatchError} */
export function requireSameTensors(state: NowcastState, tensors: readonly TrackedTensor[]): void {
  // A training that was stopped before its first snapshot has read no tensors.
  if (state.tensors.length === 0) return;
  const list = (of: NowcastState['tensors']) => of.map(({ name, size }) => `${name} ${size}`).join(', ');
  if (list(state.tensors) === list([...tensors])) return;
  throw new MismatchError({
    what: 'the restored nowcasting state is of another network',
    where: `${state.tensors.length} tensors there, ${tensors.length} here`,
    remedy: 'restore the state of this network, or begin without one',
  });
}
