// What an export format is. A format is one file and one entry of the list in index.ts.

import type { Network } from '../../network/network.js';
import type { NowcasterSpec } from '../../network/spec.js';
import type { TrainedKind } from '../../nowcaster/spec.js';

/** A nowcaster as formats see it. */
export interface EncodableNowcaster {
  /** Part of file names. */
  tag: string;
  spec: NowcasterSpec;
  network: Network;
  /** Flat parameters of each kind's network. */
  parameters: Partial<Record<TrainedKind, Float32Array>>;
}

/** Files of a nowcaster in one format. */
export interface EncodedNowcaster {
  /** Contents by path relative to the nowcaster directory, with `/`. */
  files: Record<string, Uint8Array>;
  /** For each kind the file that `nowcaster.json` names. */
  main: Partial<Record<TrainedKind, string>>;
}

/** A way to write a nowcaster. The same input must give the same bytes. */
export interface ExportFormat {
  /** Name that `--format` takes. */
  id: string;
  /** What reads it, for `--help`. */
  description: string;
  encode(nowcaster: EncodableNowcaster): Promise<EncodedNowcaster>;
}

/** A format with one file a kind. */
export function formatOfFiles(
  id: string,
  description: string,
  fileName: (kind: TrainedKind, tag: string) => string,
  encodeFile: (
    kind: TrainedKind,
    parameters: Float32Array,
    nowcaster: EncodableNowcaster,
  ) => Uint8Array | Promise<Uint8Array>,
): ExportFormat {
  return {
    id,
    description,
    async encode(nowcaster) {
      const encoded: EncodedNowcaster = { files: {}, main: {} };
      for (const [name, parameters] of Object.entries(nowcaster.parameters)) {
        const kind = name as TrainedKind;
        const file = fileName(kind, nowcaster.tag);
        encoded.files[file] = await encodeFile(kind, parameters, nowcaster);
        encoded.main[kind] = file;
      }
      return encoded;
    },
  };
}
