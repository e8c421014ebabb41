// The tensors of a network that nowcasts read and replace, whatever kind of network it is: one flat array, the tensors of
// one kind together.

import * as tf from '@tensorflow/tfjs-core';
import { TRAINED_KINDS, type TrainedKind } from '../nowcaster/spec.js';
import { tensorKind } from '../trajectory/kind.js';

/** One tensor that nowcasts replace. */
export interface TrackedTensor {
  /** Name of the layer and of the tensor in it, e.g. `conv2d_1/kernel`. */
  name: string;
  kind: TrainedKind;
  shape: number[];
  /** Where its values begin in the flat array; row-major. */
  offset: number;
  /** Number of values. */
  size: number;
  /** Number of filters whose norms nowcasts keep: value i belongs to filter i mod that number. Undefined: none. */
  filters?: number;
}

/** Reads and replaces the tensors of one network. */
export interface WeightAccess {
  /** In the order of the flat array: by kind, then in the order of the network. */
  readonly tensors: readonly TrackedTensor[];
  /** Values in all. */
  readonly size: number;
  /** Copies the current values into `target`, which holds `size` values. */
  read(target: Float32Array): Promise<void>;
  /** Replaces the current values by those of `source`. */
  write(source: Float32Array): void;
}

/** A tensor that can be read and replaced. */
export interface AccessibleTensor {
  name: string;
  kind: TrainedKind;
  shape: number[];
  /** As of {@link TrackedTensor}. */
  filters?: number;
  /** The current tensor, which belongs to the network. */
  read(): tf.Tensor;
  /** Replaces it; the tensor given stays the caller's. */
  write(value: tf.Tensor): void;
}

/** Lays tensors out as one flat array. */
export function accessTensors(listed: readonly AccessibleTensor[]): WeightAccess {
  const sorted = TRAINED_KINDS.flatMap((kind) => listed.filter((tensor) => tensor.kind === kind));
  let size = 0;
  const tensors = sorted.map(({ name, kind, shape, filters }): TrackedTensor => {
    const tensor = { name, kind, shape, filters, offset: size, size: tf.util.sizeFromShape(shape) };
    size += tensor.size;
    return tensor;
  });
  return {
    tensors,
    size,
    async read(target) {
      await Promise.all(
        tensors.map(async ({ offset }, i) => {
          target.set((await sorted[i].read().data()) as Float32Array, offset);
        }),
      );
    },
    write(source) {
      tf.tidy(() => {
        // The backend may keep the array that it is given, and ours is written to again.
        for (const [i, { offset, size, shape }] of tensors.entries())
          sorted[i].write(tf.tensor(source.slice(offset, offset + size), shape, 'float32'));
      });
    },
  };
}

/**
 * The variables of a network that is no tfjs-layers model, by name: those that are trainable, float32, and by name and
 * rank of a kind wanted.
 *
 * @param kinds kinds to track.
 * @param keepNorm names of those whose filters, counted by their last axis, keep their norms.
 */
export function accessVariables(
  variables: Readonly<Record<string, tf.Variable>>,
  kinds: readonly TrainedKind[],
  keepNorm: readonly string[] = [],
) {
  const listed: AccessibleTensor[] = [];
  for (const [name, variable] of Object.entries(variables)) {
    const kind = kinds.find((wanted) => wanted === tensorKind(name, variable.shape));
    if (kind === undefined || !variable.trainable || variable.dtype !== 'float32') continue;
    listed.push({
      name,
      kind,
      shape: variable.shape,
      filters: keepNorm.includes(name) ? variable.shape.at(-1) : undefined,
      read: () => variable,
      write: (value) => variable.assign(value as tf.Tensor<tf.Rank>),
    });
  }
  return accessTensors(listed);
}
