// The inputs, outputs and family of a nowcaster's networks. nowcaster/spec.ts validates specs from files.

/** The normalizations of windows. */
export const NORMALIZATIONS = ['range', 'tensor', 'none'] as const;
export type Normalization = (typeof NORMALIZATIONS)[number];

/** The definition of a window and its targets. */
export interface WindowSpec {
  /** Values of one scalar in a window, one per snapshot: 2 to 20. The paper's L, best at 5. */
  inputLength: number;
  /** Snapshots past the window's last value that the outputs predict, ascending, each 1 to 40. The paper's H: `[5]`. */
  horizons: number[];
  /**
   * `range` divides a window by its range; `tensor` by the root mean square of the changes of its whole tensor; `none` uses
   * raw weights, as the KNOWN networks do. See windows/normalize.ts.
   */
  normalization: Normalization;
}

/** A family's own settings: plain data, written into every file of a nowcaster. */
export type FamilyConfig = Record<string, string | number | boolean>;

/** The full specification of a nowcaster's networks. Recorded in `nowcaster.json`. */
export interface NowcasterSpec<Config extends FamilyConfig = FamilyConfig> extends WindowSpec {
  /** Id of the family. */
  family: string;
  /** Whether the output is added to the window's last value (true) or to its origin (ablation). */
  residual: boolean;
  config: Config;
}
