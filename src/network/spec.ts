// What a nowcaster's networks see and predict, and which family they are of. Types only: a spec of a file is checked in
// nowcaster/spec.ts.

/** What fixes the meaning of a window and of its targets. */
export interface WindowSpec {
  /** Values of one scalar that the network sees, one a snapshot: 2 to 20. The paper's L, best at 5. */
  inputLength: number;
  /** Snapshots past the window's last value that the outputs predict, ascending, each 1 to 20. The paper's H: `[5]`. */
  horizons: number[];
  /** `range` divides a window by its range (windows/normalize.ts); `none` feeds raw weights, as the KNOWN networks do. */
  normalization: 'range' | 'none';
}

/** A family's own settings: plain data, written into every file of a nowcaster. */
export type FamilyConfig = Record<string, string | number | boolean>;

/** Everything that decides the shape and the meaning of a nowcaster's networks. Recorded in `nowcaster.json`. */
export interface NowcasterSpec<Config extends FamilyConfig = FamilyConfig> extends WindowSpec {
  /** Id of the family. */
  family: string;
  /** Whether the output is added to the window's last value (true) or to its origin (ablation). */
  residual: boolean;
  config: Config;
}
