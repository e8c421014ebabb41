// The fused WebAssembly kernels of the paper's network, which fold its layers. Also run in browsers.

import { compileBinary, type KernelExports, makeInstance } from '../../kernels/instance.js';
import type { FusedKernels } from '../../kernels/kernels.js';
import type { Network } from '../../network/network.js';
import { KERNELS_BASE64 } from './binary.generated.js';
import { streamsOf } from './graph.js';

/** The exports of assembly/network.ts beyond those of all kernels. */
interface WnnExports extends KernelExports {
  configure(inputLength: number, streams: number, network: number, horizons: number, parameters: number): void;
  tableAt(): number;
}

/** The kernels' table of layers: in, code, exp, mul, add, out of the values, of the differences, then the head. */
function layerTable({ layers }: Network): Uint32Array {
  const roles = ['in', 'code', 'exp', 'mul', 'add', 'out'];
  const places = ['values', 'differences'].flatMap((stream) => roles.map((role) => `${stream}_${role}`));
  places.push('head');
  const table = new Uint32Array(2 * places.length);
  for (const { name, kernel, bias } of layers) table.set([kernel, bias], 2 * places.indexOf(name));
  return table;
}

const compile = compileBinary(KERNELS_BASE64);

export const kernels: FusedKernels = {
  compile,
  async open(module, spec, network) {
    const { exports } = await WebAssembly.instantiate(module, {});
    const kernels = exports as WebAssembly.Exports & WnnExports;
    const activation = spec.config.activation === 'network' ? 1 : 0;
    kernels.configure(spec.inputLength, streamsOf(spec).length, activation, spec.horizons.length, network.size);
    const table = layerTable(network);
    new Uint32Array(kernels.memory.buffer, kernels.tableAt(), table.length).set(table);
    return makeInstance(kernels, spec, network);
  },
};
