// ZSTD frames of Parquet pages, one decoder a thread. Node has none before version 22.

import { ZSTDDecoder } from 'zstddec';

/** Decompresses one frame. @param size bytes that come out. @throws Error when they do not. */
export type Decompress = (stored: Uint8Array, size: number) => Uint8Array;

/** Loads the decoder. */
export async function openDecompressor(): Promise<Decompress> {
  const decoder = new ZSTDDecoder();
  await decoder.init();
  return (stored, size) => {
    if (size === 0) return new Uint8Array(0);
    const bytes = decoder.decode(stored, size);
    if (bytes.length !== size) throw new RangeError('damaged ZSTD frame');
    return bytes;
  };
}
