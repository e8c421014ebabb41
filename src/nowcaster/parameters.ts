// The check of a network's parameters, wherever they were read from.

import { CorruptFileError, MismatchError } from '../errors.js';
import type { NowcasterSpec } from '../network/spec.js';
import { networkOf } from './spec.js';

/**
 * Throws unless the parameters fit the spec and are all finite.
 *
 * @param where what to call their source in errors.
 * @throws {@link MismatchError}, {@link CorruptFileError}
 */
export function checkParameters(spec: NowcasterSpec, parameters: Float32Array, where: string): void {
  const { size, arrays } = networkOf(spec);
  if (parameters.length !== size)
    throw new MismatchError({
      what: `${parameters.length} parameters where the spec needs ${size}`,
      where,
      remedy: 'use weights that were trained with this spec',
    });
  for (const { name, start, end } of arrays) {
    for (let i = start; i < end; i++) {
      if (!Number.isFinite(parameters[i]))
        throw new CorruptFileError({
          what: `a weight of ${name} is ${parameters[i]}`,
          where,
          remedy: 'use weights of a training that did not diverge',
        });
    }
  }
}
