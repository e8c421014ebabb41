// Text that both passes of the shader share.

import { HORIZONS_AT_ONCE, type KernelPlan } from './plan.js';

/** Arguments of exp are clamped to these limits, so that the result is finite. */
const [LEAST_EXPONENT, MOST_EXPONENT] = [-87.3, 88];

/** Number of passes in which a block's outputs are computed. */
export function headPasses({ spec }: KernelPlan): number {
  return Math.ceil(spec.horizons.length / HORIZONS_AT_ONCE);
}

/** Joins the texts that `write` gives for 0 to `count - 1`. */
export function repeat(count: number, write: (index: number) => string, separator = '\n'): string {
  return Array.from({ length: count }, (_, i) => write(i)).join(separator);
}

/** Text that computes a thread's feature `f` of sample `n`, leaving its inputs in `x0`, `x1`, ... */
export function writeFeature({ streams, quads }: KernelPlan): string {
  return `
    ${repeat(quads, (v) => `let x${v} = inputs[(n * ${streams}u + stream) * ${quads}u + ${v}u];`)}
    let f = biases.x + ${repeat(quads, (v) => `dot(in${v}, x${v})`, ' + ')};`;
}

/** Text that computes a feature's exponent, its power and its factor from the codes. */
export function writePower({ streams }: KernelPlan): string {
  return `
    let c0 = codes[(n * ${streams}u + stream) * 2u];
    let c1 = codes[(n * ${streams}u + stream) * 2u + 1u];
    let factor = biases.z + dot(mul0, c0) + dot(mul1, c1);
    let exponent = biases.y + dot(exp0, c0) + dot(exp1, c1);
    let power = exp(clamp(exponent * f, ${LEAST_EXPONENT}, ${MOST_EXPONENT}));`;
}
