// Reads the weights of one checkpoint out of what its importer lists: without the optimizer's state and what is no float.

import { tensorKind } from '../../trajectory/kind.js';
import type { TensorSpec } from '../../trajectory/schema.js';
import type { KernelLayout, ListedCheckpoint } from '../importers/importer.js';
import { toKerasLayout } from './layout.js';

/** A tensor of a checkpoint with its values: float32, row-major. */
export interface CheckpointTensor extends TensorSpec {
  values: Float32Array;
}

/** How many arrays of a checkpoint are not among its tensors, and why. */
export interface LeftOut {
  /** State of the optimizer. */
  optimizer: number;
  /** Whole numbers, truth values, texts: counters, seeds. */
  notFloat: number;
}

/** The tensors of one checkpoint. */
export interface Checkpoint {
  /** Names are unique. */
  tensors: CheckpointTensor[];
  leftOut: LeftOut;
}

/** Names that PyTorch and others give to the state of optimizers. */
const OPTIMIZER_NAMES =
  /^(optimi[sz]ers?|optim|opt_state|optimi[sz]er_(state|weights))([._/]|$)|(^|[._/])(exp_avg|exp_avg_sq|max_exp_avg_sq|square_avg|grad_avg|momentum_buffer)$/i;

/**
 * Reads one tensor after the other, so that no more than the values of the checkpoint are in memory.
 *
 * @param layout of the kernels; `auto`: by the names of the tensors.
 */
export async function readCheckpoint(
  { tensors: listed, optimizerArrays = 0 }: ListedCheckpoint,
  layout: 'auto' | KernelLayout,
): Promise<Checkpoint> {
  const leftOut: LeftOut = { optimizer: optimizerArrays, notFloat: 0 };
  const tensors: CheckpointTensor[] = [];
  for (const tensor of listed) {
    const { name, shape, type, isOptimizer = OPTIMIZER_NAMES.test(name) } = tensor;
    if (isOptimizer) leftOut.optimizer++;
    else if (type === 'whole') leftOut.notFloat++;
    else {
      const kind = tensor.kind ?? tensorKind(name, shape);
      tensors.push({ name, kind, shape: [...shape], values: await tensor.read() });
    }
  }
  return { tensors: toKerasLayout(tensors, layout), leftOut };
}
