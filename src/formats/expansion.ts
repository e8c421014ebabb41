// How much compressed input may claim to hold: the one limit of zip archives, HDF5 files and gzip streams.

/**
 * Content may have this many times the bytes of its input. Weights and images hardly compress; even a network that is
 * zeros for the most part comes to less.
 */
const MAX_EXPANSION = 64;

/** What small input may claim in any case. */
const FREE_BYTES = 64 * 2 ** 20;

/** The bytes that input of a length may claim to hold; what claims more is refused before memory is taken for it. */
export function maxContentBytes(inputBytes: number): number {
  return Math.max(FREE_BYTES, inputBytes * MAX_EXPANSION);
}
