// The kinds of tensors that a nowcaster has networks for, and the spec of those networks: the paper's, checking one from
// a file, completing one from a user's choices, and the network that it describes.

import type { Family } from '../families/family.js';
import { findFamily, listFamilies } from '../families/index.js';
import { quoteValue } from '../formats/parseJson.js';
import { layOut, type Network } from '../network/network.js';
import {
  type FamilyConfig,
  NORMALIZATIONS,
  type Normalization,
  type NowcasterSpec,
  type WindowSpec,
} from '../network/spec.js';
import { inputColumns } from '../windows/inputs/index.js';

/**
 * The kinds of tensors that a nowcaster can have networks for, one each: kernels of convolutions, kernels of dense layers,
 * biases, scale and offset of normalizations, embeddings.
 */
export const TRAINED_KINDS = ['conv', 'fc', 'bias', 'norm', 'embedding'] as const;

/** A kind of tensor that has a nowcaster network of its own. */
export type TrainedKind = (typeof TRAINED_KINDS)[number];

/** The kinds that are taken where none are named: those of the paper. */
export const DEFAULT_KINDS: readonly TrainedKind[] = ['conv', 'fc', 'bias'];

/** How the kinds are called in file names, as in the published ones: `NWNN_Conv_13.h5`. */
export const KIND_FILE_NAMES: Record<TrainedKind, string> = {
  conv: 'Conv',
  fc: 'FC',
  bias: 'Bias',
  norm: 'Norm',
  embedding: 'Embedding',
};

/** One value a kind, in the order of the kinds. */
export function perKind<T>(make: (kind: TrainedKind) => T): Record<TrainedKind, T> {
  return Object.fromEntries(TRAINED_KINDS.map((kind) => [kind, make(kind)])) as Record<TrainedKind, T>;
}

/** The named kinds in their order, each once. */
export function sortKinds(kinds: Iterable<string>): TrainedKind[] {
  const named = new Set(kinds);
  return TRAINED_KINDS.filter((kind) => named.has(kind));
}

/** What is wrong with a list of kinds that somebody gave; null when nothing is. */
export function kindsProblem(kinds: readonly string[]): string | null {
  const unknown = kinds.find((kind) => !TRAINED_KINDS.includes(kind as TrainedKind));
  if (unknown !== undefined) return `no kind ${unknown}`;
  return kinds.length === 0 ? 'no kinds' : null;
}

/** The network of the paper: windows of 5 snapshots, 5 snapshots ahead, 9,425 parameters. */
export const PAPER_SPEC: Readonly<NowcasterSpec> = Object.freeze({
  family: 'wnn',
  inputLength: 5,
  horizons: [5],
  normalization: 'range',
  residual: true,
  config: { streams: 'both', activation: 'network' },
});

/** The longest window and the farthest horizon of a spec, in snapshots; NiNo's WNN+ predicts 40. */
export const LONGEST_WINDOW = 20;
export const FARTHEST_HORIZON = 40;

/** Snapshots that a sample spans: from its window's first value to its farthest horizon, both included. */
export function spanOf({ inputLength, horizons }: Pick<WindowSpec, 'inputLength' | 'horizons'>): number {
  return inputLength + Math.max(...horizons);
}

const isWhole = (n: unknown, low: number, high: number) =>
  typeof n === 'number' && Number.isInteger(n) && n >= low && n <= high;

/** What is wrong with the window part of a spec, in words, or null. Takes any value, e.g. parsed JSON. */
export function windowSpecProblem(value: unknown): string | null {
  const spec = value as Partial<WindowSpec> | null;
  if (typeof spec !== 'object' || spec === null) return 'the spec is not an object';
  if (!isWhole(spec.inputLength, 2, LONGEST_WINDOW))
    return `inputLength must be a whole number from 2 to ${LONGEST_WINDOW}, not ${quoteValue(spec.inputLength)}`;
  const horizons = spec.horizons;
  if (!Array.isArray(horizons) || horizons.length === 0) return 'horizons must be a list of at least one number';
  for (const [i, horizon] of horizons.entries()) {
    if (!isWhole(horizon, 1, FARTHEST_HORIZON))
      return `horizons must be whole numbers from 1 to ${FARTHEST_HORIZON}, not ${quoteValue(horizon)}`;
    if (i > 0 && horizon <= horizons[i - 1]) return 'horizons must be ascending';
  }
  if (!NORMALIZATIONS.includes(spec.normalization as Normalization))
    return `normalization must be one of ${NORMALIZATIONS.join(', ')}, not ${quoteValue(spec.normalization)}`;
  return null;
}

/** What is wrong with the id of a family, or null. */
export function familyProblem(id: unknown): string | null {
  if (typeof id === 'string' && findFamily(id) !== undefined) return null;
  return `unknown family ${String(id)}; known: ${listFamilies()
    .map((family) => family.id)
    .join(', ')}`;
}

/** What is wrong with a config of a family, or null. */
function configProblem(family: Family, value: unknown): string | null {
  if (typeof value !== 'object' || value === null) return `the config of family ${family.id} is not an object`;
  const config = value as FamilyConfig;
  const { defaultConfig } = family;
  for (const name of Object.keys(config))
    if (!Object.hasOwn(defaultConfig, name))
      return `family ${family.id} has no setting ${name}; known: ${Object.keys(defaultConfig).join(', ') || 'none'}`;
  for (const [name, known] of Object.entries(defaultConfig))
    if (typeof config[name] !== typeof known)
      return `${name} must be a ${typeof known}, not ${quoteValue(config[name])}`;
  return family.configProblem?.(config) ?? null;
}

/** What is wrong with a spec, in words, or null when nothing is. Takes any value, e.g. parsed JSON. */
export function specProblem(value: unknown): string | null {
  const problem = windowSpecProblem(value);
  if (problem !== null) return problem;
  const { family, residual, config } = value as Partial<NowcasterSpec>;
  if (typeof residual !== 'boolean') return `residual must be true or false, not ${quoteValue(residual)}`;
  return familyProblem(family) ?? configProblem(findFamily(family as string) as Family, config);
}

/** The family's defaults with a user's choices in their place; not checked. */
export function completeConfig(family: string, config: FamilyConfig = {}): FamilyConfig {
  return { ...findFamily(family)?.defaultConfig, ...config };
}

/** Names of the inputs of samples for a family. */
export function inputsOf(family: string): readonly string[] {
  return findFamily(family)?.inputs ?? ['window'];
}

/** Columns of inputs that samples for a family have: the window, then the family's further inputs. */
export function sampleInputs(family: string): string[] {
  return [...new Set(['window', ...inputsOf(family)])];
}

/**
 * The network of a spec.
 *
 * @param spec one without a problem ({@link specProblem}).
 * @throws Error when the family's graph is not well-formed.
 */
export function networkOf(spec: NowcasterSpec): Network {
  const family = findFamily(spec.family) as Family;
  const network = layOut(family.graph(spec), inputColumns(inputsOf(spec.family), spec), family.penalties);
  if (network.outputWidth !== spec.horizons.length)
    throw new Error(`family ${spec.family}: ${network.outputWidth} outputs for ${spec.horizons.length} horizons`);
  return network;
}

/** Whether two specs describe the same network with the same meaning. */
export function sameSpec(a: NowcasterSpec, b: NowcasterSpec): boolean {
  const text = ({ family, inputLength, horizons, normalization, residual, config }: NowcasterSpec) =>
    JSON.stringify([family, inputLength, horizons, normalization, residual, Object.entries(config).sort()]);
  return text(a) === text(b);
}
