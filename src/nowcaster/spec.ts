// What a weight nowcaster network is: its inputs, its outputs and the variants of the paper's ablations. No numbers of
// a particular network: those are in weights.ts.

/** The kinds of tensors that a nowcaster is trained for, one network each. */
export const TRAINED_KINDS = ['conv', 'fc', 'bias'] as const;

/** A kind of tensor that has a nowcaster network of its own. */
export type TrainedKind = (typeof TRAINED_KINDS)[number];

/** How the kinds are called in file names, as in the published ones: `NWNN_Conv_13.h5`. */
export const KIND_FILE_NAMES: Record<TrainedKind, string> = { conv: 'Conv', fc: 'FC', bias: 'Bias' };

/** Everything that decides the shape and the meaning of a nowcaster network. Recorded in `nowcaster.json`. */
export interface WnnSpec {
  /** Values of one scalar that the network sees, one an epoch: 2 to 20. The paper's L, best at 5. */
  inputLength: number;
  /** Epochs past the window's last value that the outputs predict, ascending, each 1 to 20. The paper's H: `[5]`. */
  horizons: number[];
  /** `range` divides a window by its range (see normalize.ts); `none` feeds raw weights, as the KNOWN networks do. */
  normalization: 'range' | 'none';
  /** `both`: a stream of values and one of differences; `values`: the first only (ablation). */
  streams: 'both' | 'values';
  /** `network`: the learned activation; `relu`: a plain dense layer with relu in its place (ablation). */
  activation: 'network' | 'relu';
  /** Whether the output is added to the window's last value (true) or stands alone (ablation). */
  residual: boolean;
}

/** The network of the paper: 5 epochs in, 5 epochs ahead, 9,425 parameters. */
export const PAPER_SPEC: Readonly<WnnSpec> = Object.freeze({
  inputLength: 5,
  horizons: [5],
  normalization: 'range',
  streams: 'both',
  activation: 'network',
  residual: true,
});

/** Epochs that a sample spans: from its window's first value to its farthest horizon, both included. */
export function spanOf({ inputLength, horizons }: Pick<WnnSpec, 'inputLength' | 'horizons'>): number {
  return inputLength + Math.max(...horizons);
}

/** What is wrong with a spec, in words, or `null` when nothing is. Takes any value, e.g. parsed JSON. */
export function specProblem(value: unknown): string | null {
  const spec = value as Partial<WnnSpec> | null;
  const whole = (n: unknown, low: number, high: number) =>
    typeof n === 'number' && Number.isInteger(n) && n >= low && n <= high;
  if (typeof spec !== 'object' || spec === null) return 'the spec is not an object';
  if (!whole(spec.inputLength, 2, 20))
    return `inputLength must be a whole number from 2 to 20, not ${spec.inputLength}`;
  const horizons = spec.horizons;
  if (!Array.isArray(horizons) || horizons.length === 0) return 'horizons must be a list of at least one number';
  for (const [i, horizon] of horizons.entries()) {
    if (!whole(horizon, 1, 20)) return `horizons must be whole numbers from 1 to 20, not ${horizon}`;
    if (i > 0 && horizon <= horizons[i - 1]) return 'horizons must be ascending';
  }
  if (spec.normalization !== 'range' && spec.normalization !== 'none')
    return `normalization must be range or none, not ${spec.normalization}`;
  if (spec.streams !== 'both' && spec.streams !== 'values')
    return `streams must be both or values, not ${spec.streams}`;
  if (spec.activation !== 'network' && spec.activation !== 'relu')
    return `activation must be network or relu, not ${spec.activation}`;
  if (typeof spec.residual !== 'boolean') return `residual must be true or false, not ${spec.residual}`;
  return null;
}

/** Whether two specs describe the same network with the same meaning. */
export function sameSpec(a: WnnSpec, b: WnnSpec): boolean {
  return (
    a.inputLength === b.inputLength &&
    a.horizons.length === b.horizons.length &&
    a.horizons.every((horizon, i) => horizon === b.horizons[i]) &&
    a.normalization === b.normalization &&
    a.streams === b.streams &&
    a.activation === b.activation &&
    a.residual === b.residual
  );
}
