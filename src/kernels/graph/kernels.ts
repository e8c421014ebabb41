// The WebAssembly kernels that run any network from its graph. A family without kernels of its own gets these. Also run in
// browsers.

import { compileBinary, type KernelExports, makeInstance } from '../instance.js';
import type { FusedKernels } from '../kernels.js';
import { KERNELS_BASE64 } from './binary.generated.js';
import { compileProgram } from './program.js';

/** The exports of assembly/graph.ts beyond those of all kernels. */
interface GraphExports extends KernelExports {
  allocate(instructions: number): void;
  programAt(): number;
  instructionBytes(): number;
  configure(inputs: number, outputs: number, outputAt: number, rows: number, widest: number, parameters: number): void;
}

const compile = compileBinary(KERNELS_BASE64);

export const kernels: FusedKernels = {
  compile,
  async open(module, spec, network) {
    const { exports } = await WebAssembly.instantiate(module, {});
    const kernels = exports as WebAssembly.Exports & GraphExports;
    const { instructions, rows, widest, output } = compileProgram(network);
    kernels.allocate(instructions.length);
    for (const [i, fields] of instructions.entries())
      new Uint32Array(kernels.memory.buffer, kernels.programAt() + i * kernels.instructionBytes()).set(fields);
    kernels.configure(network.inputWidth, network.outputWidth, output, rows, widest, network.size);
    return makeInstance(kernels, spec, network);
  },
};
