// Which scalars of its larger tensors a sampled run records: the choice, and its checks. The file is positions.ts's.

import { MismatchError, UsageError } from '../errors.js';
import { quoteValue } from '../formats/parseJson.js';
import { Random } from '../random.js';
import { countValues } from './manifest.js';
import type { TensorSpec } from './schema.js';

/** The recorded scalars of each sampled tensor, by name: ascending positions within it, row-major. */
export type Positions = ReadonlyMap<string, Uint32Array>;

/**
 * Chooses scalars of a tensor without replacement. The choice depends on seed, name, size and count alone.
 *
 * @returns ascending positions.
 */
export function choosePositions(seed: number, name: string, size: number, count: number): Uint32Array {
  return new Random(seed, 'scalars', name).sample(size, count);
}

/** What is wrong with the positions of a tensor, or null. */
export function positionsProblem(positions: ArrayLike<number>, shape: readonly number[], count: number): string | null {
  const size = countValues(shape);
  if (positions.length !== count) return `${positions.length} positions in place of ${count}`;
  for (let i = 0; i < positions.length; i++) {
    if (!(Number.isSafeInteger(positions[i]) && positions[i] >= 0 && positions[i] < size))
      return `position ${positions[i]} in a tensor of ${size} values`;
    if (i > 0 && positions[i] <= positions[i - 1]) return `position ${positions[i]} after ${positions[i - 1]}`;
  }
  return null;
}

/**
 * Whether each sampled tensor has the positions that its shape needs.
 *
 * @throws {@link MismatchError}
 */
export function checkPositions(tensors: readonly TensorSpec[], positions: Positions, where: string): void {
  for (const { name, shape, sampledFrom } of tensors) {
    if (sampledFrom === undefined) continue;
    const problem = positionsProblem(positions.get(name) ?? [], sampledFrom, shape[0]);
    if (problem !== null)
      throw new MismatchError({
        what: `${name}: ${problem}`,
        where,
        remedy: 'give ascending positions within the tensor, one a recorded scalar',
      });
  }
}

/** Scalars a tensor at most: their positions must fit a file of 32-bit offsets. */
export const MOST_SCALARS_PER_TENSOR = 10_000_000;

/** @throws {@link UsageError} for an impossible number. */
export function requireScalarsPerTensor(value: unknown, where: string): void {
  if (Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= MOST_SCALARS_PER_TENSOR) return;
  throw new UsageError({
    what: `scalarsPerTensor must be a whole number from 1 to ${MOST_SCALARS_PER_TENSOR}, not ${quoteValue(value)}`,
    where,
    remedy: 'correct it, or leave it out to record whole tensors',
  });
}
