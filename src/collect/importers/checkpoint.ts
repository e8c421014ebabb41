// What an importer makes of one checkpoint, and how importers say what is wrong with a file.

import { CorruptFileError } from '../../errors.js';
import type { TensorSpec } from '../../trajectory/schema.js';

/** Formats of checkpoints, by the names that the command line knows. */
export const IMPORT_FORMATS = ['h5', 'keras', 'safetensors', 'npz', 'tfjs', 'mat'] as const;
export type ImportFormat = (typeof IMPORT_FORMATS)[number];

/** In which order the axes of kernels stand: Keras's [kh, kw, in, out] and [in, out], or PyTorch's. */
export type KernelLayout = 'keras' | 'torch';

/** A tensor of a checkpoint with its values: float32, row-major. */
export interface CheckpointTensor extends TensorSpec {
  values: Float32Array;
}

/** The tensors of one checkpoint. */
export interface Checkpoint {
  /** Names are unique. */
  tensors: CheckpointTensor[];
  /** How many arrays of the file are not among the tensors, and why. */
  leftOut: LeftOut;
}

export interface LeftOut {
  /** State of the optimizer. */
  optimizer: number;
  /** Whole numbers, truth values, texts: counters, seeds. */
  notFloat: number;
}

/** Reads the checkpoints of one file in order: one, or several where the file is a trajectory by itself. */
export type CheckpointReader = (path: string, options: ReadOptions) => AsyncGenerator<Checkpoint>;

export interface ReadOptions {
  /** `auto`: by the names of the tensors. */
  layout: 'auto' | KernelLayout;
}

/** Names that PyTorch and others give to the state of optimizers. */
const OPTIMIZER_NAMES =
  /^(optimi[sz]ers?|optim|opt_state|optimi[sz]er_(state|weights))([._/]|$)|(^|[._/])(exp_avg|exp_avg_sq|max_exp_avg_sq|square_avg|grad_avg|momentum_buffer)$/i;

/** Whether a tensor is, by its name, not one of the network but of its optimizer. */
export function isOptimizerName(name: string): boolean {
  return OPTIMIZER_NAMES.test(name);
}

/**
 * The error for a file whose content is not what its format demands.
 *
 * @param format e.g. `npz`.
 * @param problem may hold names from the file: what is no printable text in it is left out.
 */
export function corruptCheckpoint(path: string, format: string, problem: string, cause?: unknown): CorruptFileError {
  const printable = problem.replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ');
  return new CorruptFileError({
    what: `not a whole ${format} file (${printable.length > 300 ? `${printable.slice(0, 300)}...` : printable})`,
    where: path,
    remedy: 'save or copy it again, or leave it out',
    cause,
  });
}
