// Small checkpoints of every format, made here: by the formats' own libraries where there is one in JavaScript, else byte
// by byte as their specifications say.

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { crc32, deflateRawSync } from 'node:zlib';
import { encodeSafetensors, type SafeTensor } from '../../../src/formats/safetensors.js';

/** Writes a file with the directories that it needs. @returns its path. */
export function put(path: string, content: Uint8Array | string): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
}

const bytesOf = (values: ArrayBufferView) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

/** Tensors of float32 as .safetensors. */
export function makeSafetensors(tensors: Record<string, [shape: number[], values: number[]]>): Uint8Array {
  return encodeSafetensors(
    Object.fromEntries(
      Object.entries(tensors).map(([name, [shape, values]]): [string, SafeTensor] => [
        name,
        { dtype: 'F32', shape, data: bytesOf(Float32Array.from(values)) },
      ]),
    ),
  );
}

/** The same in a .safetensors file for each tensor, and their index. @returns the path of the index. */
export function putSharded(directory: string, tensors: Record<string, [shape: number[], values: number[]]>): string {
  const names = Object.keys(tensors);
  const fileOf = (i: number) =>
    `model-${String(i + 1).padStart(5, '0')}-of-${String(names.length).padStart(5, '0')}.safetensors`;
  names.forEach((name, i) => {
    put(join(directory, fileOf(i)), makeSafetensors({ [name]: tensors[name] }));
  });
  const index = {
    metadata: { total_size: 4 * names.reduce((sum, name) => sum + tensors[name][1].length, 0) },
    weight_map: Object.fromEntries(names.map((name, i) => [name, fileOf(i)])),
  };
  return put(join(directory, 'model.safetensors.index.json'), JSON.stringify(index));
}

/** A .npy file of a type, shape and data as given. */
export function makeNpy(descr: string, shape: number[], data: Uint8Array, fortran = false, version = 1): Uint8Array {
  const tuple = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const dictionary = `{'descr': '${descr}', 'fortran_order': ${fortran ? 'True' : 'False'}, 'shape': (${tuple}), }`;
  const prefix = version === 1 ? 10 : 12;
  const header = `${dictionary.padEnd(Math.ceil((prefix + dictionary.length + 1) / 64) * 64 - prefix - 1)}\n`;
  const bytes = Buffer.alloc(prefix + header.length + data.length);
  bytes.write('\x93NUMPY', 'latin1');
  bytes[6] = version;
  if (version === 1) bytes.writeUInt16LE(header.length, 8);
  else bytes.writeUInt32LE(header.length, 8);
  bytes.write(header, prefix, 'latin1');
  bytes.set(data, prefix + header.length);
  return bytes;
}

/** An entry of {@link makeZip}. */
export interface ZipEntry {
  name: string;
  data: Uint8Array;
  deflate?: boolean;
  /** Sizes to claim in place of the true ones. */
  claims?: { compressed?: number; uncompressed?: number; crc?: number };
  method?: number;
  encrypted?: boolean;
}

/** A zip archive (APPNOTE.TXT 4.3): entries, then the directory of them, then its end. */
export function makeZip(entries: ZipEntry[]): Uint8Array {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, data, deflate = false, claims = {}, method = deflate ? 8 : 0, encrypted = false } of entries) {
    const packed = deflate ? deflateRawSync(data) : data;
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt16LE(encrypted ? 1 : 0, 2);
    fields.writeUInt16LE(method, 4);
    fields.writeUInt32LE(claims.crc ?? crc32(data), 10);
    fields.writeUInt32LE(claims.compressed ?? packed.length, 14);
    fields.writeUInt32LE(claims.uncompressed ?? data.length, 18);
    fields.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), fields, Buffer.from(name), packed]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    directory.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x00'), fields, tail, Buffer.from(name)]));
    parts.push(local);
    offset += local.length;
  }
  const list = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06');
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(list.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, list, end]);
}

/** float32 arrays as .npz. */
export function makeNpz(tensors: Record<string, [shape: number[], values: number[]]>, deflate = false): Uint8Array {
  return makeZip(
    Object.entries(tensors).map(([name, [shape, values]]) => ({
      name: `${name}.npy`,
      data: makeNpy('<f4', shape, bytesOf(Float32Array.from(values))),
      deflate,
    })),
  );
}

/** A tfjs model of float32 weights in one file. @returns path of its model.json. */
export function putTfjs(directory: string, tensors: Record<string, [shape: number[], values: number[]]>): string {
  const weights = Object.entries(tensors).map(([name, [shape]]) => ({ name, shape, dtype: 'float32' }));
  const data = Float32Array.from(Object.values(tensors).flatMap(([, values]) => values));
  put(join(directory, 'weights.bin'), bytesOf(data));
  return put(
    join(directory, 'model.json'),
    JSON.stringify({ modelTopology: {}, weightsManifest: [{ paths: ['weights.bin'], weights }] }),
  );
}

export { bytesOf };
