// All checkpoints of a run must hold the same tensors.

import { MismatchError } from '../../errors.js';
import { printableName } from '../../printable.js';

interface ShapedTensor {
  name: string;
  shape: readonly number[];
}

const describe = ({ name, shape }: ShapedTensor) => `${printableName(name)} [${shape.join(', ')}]`;

/** In what two checkpoints differ first; null when their tensors have the same names and shapes. */
function findDifference(
  tensors: readonly ShapedTensor[],
  others: Map<string, ShapedTensor>,
  added: ShapedTensor | undefined,
): string | null {
  for (const tensor of tensors) {
    const other = others.get(tensor.name);
    if (other === undefined) {
      const instead = added === undefined ? '' : `, which has ${describe(added)}`;
      return `tensor ${describe(tensor)} of the first file is not in the second${instead}`;
    }
    if (other.shape.join() !== tensor.shape.join())
      return `tensor ${describe(tensor)} of the first file is ${describe(other)} in the second`;
  }
  return added === undefined ? null : `tensor ${describe(added)} of the second file is not in the first`;
}

/**
 * The tensors of a checkpoint in the order of the first one's.
 *
 * @param first tensors of the first checkpoint.
 * @param ignored names that the run has left out; the checkpoint may have them or not.
 * @throws {@link MismatchError} that names both files and the first tensor in which they differ.
 */
export function alignTensors<T extends ShapedTensor>(
  first: readonly ShapedTensor[],
  firstPath: string,
  tensors: readonly T[],
  path: string,
  ignored: ReadonlySet<string>,
): T[] {
  const known = new Set(first.map(({ name }) => name));
  const others = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  const added = tensors.find(({ name }) => !known.has(name) && !ignored.has(name));
  const difference = findDifference(first, others, added);
  if (difference !== null) {
    throw new MismatchError({
      what: difference,
      where: `${firstPath} and ${path}`,
      remedy: 'import checkpoints of one training, whose tensors keep their names and shapes',
    });
  }
  return first.map(({ name }) => others.get(name) as T);
}
