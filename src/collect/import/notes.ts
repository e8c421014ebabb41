// What a user is told of a run that was imported: what was chosen, converted and left out.

import { printableName } from '../../printable.js';
import type { NoteListener } from '../../progress.js';
import { quantity } from '../../quantity.js';
import type { ImportedRun } from './importedRun.js';

/** Epochs that a window of 5 with a horizon of 5 spans. */
const USUAL_SPAN = 10;
const MAX_NAMES = 6;
const MAX_NOTE = 1000;

const some = (names: readonly string[]) =>
  `${names.slice(0, MAX_NAMES).join(', ')}${names.length > MAX_NAMES ? `, ... (${names.length} in all)` : ''}`;

/** Tells of a run, a note a fact. */
export function noteWhatWasMade(
  { id, snapshots, kinds, converted, leftOut, dictionary }: ImportedRun,
  listener: NoteListener,
): void {
  const onNote = (note: string) => listener(printableName(note, MAX_NOTE));
  if (dictionary !== null && (dictionary.key !== '' || dictionary.others.length > 0)) {
    const others = dictionary.others.map((key) => key || 'the top');
    const rest = others.length > 0 ? `, not of ${some(others)}; --key chooses` : '';
    onNote(`${id}: took the tensors of ${dictionary.key || 'the top'}${rest}`);
  }
  if (converted > 0)
    onNote(`${id}: ${quantity(converted, 'kernel')} a checkpoint brought from PyTorch's layout to [..., in, out]`);
  const counts: [count: number, what: string][] = [
    [leftOut.optimizer, "arrays a checkpoint of the optimizer's state"],
    [leftOut.copies, 'arrays a checkpoint of averaged copies (--include takes them)'],
    [leftOut.notFloat, 'arrays a checkpoint that hold no floats'],
    [leftOut.elsewhere, 'arrays of floats a checkpoint that are no weights of the network by their place'],
  ];
  for (const [count, what] of counts) if (count > 0) onNote(`${id}: left out ${count} ${what}`);
  if (leftOut.excluded.length > 0) onNote(`${id}: left out as asked: ${some(leftOut.excluded)}`);
  if (leftOut.unreadable.length > 0) onNote(`${id}: left out, of types that are not read: ${some(leftOut.unreadable)}`);
  if (leftOut.notFinite.length > 0)
    onNote(`${id}: left out, not finite in the first checkpoint: ${some(leftOut.notFinite)}`);
  if (!kinds.conv && !kinds.fc && !kinds.bias) onNote(`${id}: holds no kernel and no bias to train a nowcaster on`);
  if (snapshots < USUAL_SPAN)
    onNote(`${id}: ${quantity(snapshots, 'snapshot')}; windows of 5 with a horizon of 5 need ${USUAL_SPAN}`);
}
