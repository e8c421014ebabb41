// What becomes of each tensor of a run: its kind, and the order of its axes. Decided once, by the first checkpoint.

import { UsageError } from '../../errors.js';
import { permuteAxes } from '../../formats/permuteAxes.js';
import { chooseKinds } from '../../trajectory/kind.js';
import { TENSOR_KINDS, type TensorKind, type TensorSpec } from '../../trajectory/schema.js';
import type { KernelLayout, ListedTensor } from '../importers/importer.js';
import { kerasAxes, recognizeLayout } from './layout.js';
import { fits } from './pattern.js';

/** A tensor of the run. */
export interface PlannedTensor {
  spec: TensorSpec;
  /** As the checkpoints have it. */
  shape: readonly number[];
  /** The axes of `shape` in the order of the run; null where that is the same. */
  axes: number[] | null;
  /** Of a sampled tensor: positions of the scalars in the run's order of axes, ascending, and the place of each in `shape`. */
  sample?: { positions: Uint32Array; order: Uint32Array };
}

/** A kind that the user gives to all tensors whose names fit. */
export interface GivenKind {
  /** `*` stands for any text, `?` for any character. */
  pattern: string;
  kind: TensorKind;
}

/**
 * Parses `pattern=kind`.
 *
 * @throws {@link UsageError}
 */
export function parseGivenKind(text: string): GivenKind {
  const cut = text.lastIndexOf('=');
  const kind = TENSOR_KINDS.find((known) => known === text.slice(cut + 1));
  if (cut > 0 && kind !== undefined) return { pattern: text.slice(0, cut), kind };
  throw new UsageError({
    what: `${text} gives no kind`,
    where: '--kind',
    remedy: `write a pattern of names and a kind, e.g. 'head.*=fc', of ${TENSOR_KINDS.join(', ')}`,
  });
}

/** Whether two tensors hold the same values; those of a constant, as tables have before training, say nothing. */
function isSame(one: Float32Array, other: Float32Array): boolean {
  return (
    one.length === other.length && one.every((value, i) => value === other[i]) && one.some((value) => value !== one[0])
  );
}

/**
 * Decides the kinds and axes of the tensors of a run.
 *
 * @param tensors of the first checkpoint.
 * @param values of the same, in the same order: what equals an embedding is tied to it, and `other`, since the embedding is
 * recorded already.
 * @param layout of the kernels; `auto`: by the names of the tensors.
 */
export function planTensors(
  tensors: readonly ListedTensor[],
  values: readonly Float32Array[],
  layout: 'auto' | KernelLayout,
  givenKinds: readonly GivenKind[],
): PlannedTensor[] {
  const actual = layout === 'auto' ? recognizeLayout(tensors.map(({ name }) => name)) : layout;
  const chosen = chooseKinds(tensors);
  const embeddings = tensors.flatMap((_, i) => (chosen[i].kind === 'embedding' ? [i] : []));
  return tensors.map(({ name, shape, kind: fixed, sampledFrom }, i) => {
    const given = givenKinds.findLast(({ pattern }) => fits(name, pattern));
    const isTied = embeddings.some(
      (embedding) =>
        (chosen[i].kind === 'fc' || (chosen[i].kind === 'embedding' && embedding < i)) &&
        isSame(values[embedding], values[i]),
    );
    const tied = isTied ? ({ kind: 'other', by: 'tied' } as const) : chosen[i];
    const formats = fixed === undefined ? tied : ({ kind: fixed, by: 'format' } as const);
    const { kind, by } = given === undefined ? formats : { kind: given.kind, by: 'given' as const };
    const whole = sampledFrom?.shape ?? shape;
    const axes = actual === 'torch' ? kerasAxes(name, whole.length, kind) : null;
    const arranged = (axes ?? whole.map((_, axis) => axis)).map((axis) => whole[axis]);
    const spec: TensorSpec = {
      name,
      kind,
      shape: sampledFrom === undefined ? arranged : [...shape],
      ...(sampledFrom !== undefined && { sampledFrom: arranged }),
      kindBy: by,
    };
    if (axes !== null) spec.converted = `PyTorch's axes in the order ${axes.join(', ')}`;
    if (sampledFrom !== undefined) return { spec, shape, axes, sample: arrangePositions(sampledFrom, axes) };
    return { spec, shape, axes };
  });
}

/** Positions in another order of the axes, ascending, and where the scalar of each stood among those given. */
function arrangePositions(
  { shape, positions }: NonNullable<ListedTensor['sampledFrom']>,
  axes: readonly number[] | null,
): { positions: Uint32Array; order: Uint32Array } {
  const moved = positions.map((position) => (axes === null ? position : movePosition(position, shape, axes)));
  const order = Uint32Array.from(moved.keys()).sort((a, b) => moved[a] - moved[b]);
  return { positions: order.map((i) => moved[i]), order };
}

/** The row-major position of an element once the axes of its array are reordered as `permuteAxes` does. */
function movePosition(position: number, shape: readonly number[], axes: readonly number[]): number {
  const index = new Array<number>(shape.length);
  let rest = position;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    index[axis] = rest % shape[axis];
    rest = Math.floor(rest / shape[axis]);
  }
  return axes.reduce((place, axis) => place * shape[axis] + index[axis], 0);
}

/** Brings values to the axes of the run. */
export function arrange({ shape, axes, sample }: PlannedTensor, values: Float32Array): Float32Array {
  if (sample !== undefined) return Float32Array.from(sample.order, (i) => values[i]);
  return axes === null ? values : permuteAxes(values, shape, axes);
}
