// All checkpoints of a run must hold the same tensors.

import { MismatchError } from '../../errors.js';
import type { TensorSpec } from '../../trajectory/schema.js';
import type { Checkpoint, CheckpointTensor } from './readCheckpoint.js';

const describe = ({ name, shape }: TensorSpec) => `${name} [${shape.join(', ')}]`;

/** In what two checkpoints differ first; null when their tensors have the same names and shapes. */
function findDifference(
  tensors: readonly TensorSpec[],
  others: Map<string, CheckpointTensor>,
  added: TensorSpec | undefined,
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
 * The values of a checkpoint in the order of the run's tensors.
 *
 * @param tensors of the run, from its first checkpoint.
 * @throws {@link MismatchError} that names both files and the first tensor in which they differ.
 */
export function alignTensors(
  tensors: readonly TensorSpec[],
  firstPath: string,
  checkpoint: Checkpoint,
  path: string,
): Float32Array[] {
  const known = new Set(tensors.map(({ name }) => name));
  const others = new Map(checkpoint.tensors.map((tensor) => [tensor.name, tensor]));
  const difference = findDifference(
    tensors,
    others,
    checkpoint.tensors.find(({ name }) => !known.has(name)),
  );
  if (difference !== null) {
    throw new MismatchError({
      what: difference,
      where: `${firstPath} and ${path}`,
      remedy: 'import checkpoints of one training, whose tensors keep their names and shapes',
    });
  }
  return tensors.map(({ name }) => (others.get(name) as CheckpointTensor).values);
}
