// What the machine's SIMD can do from WebAssembly: a register-blocked multiply-add loop over numbers in the first cache,
// on all threads at once. The kernels are held against it. Not: a part of the product.

import { Worker } from 'node:worker_threads';
import asc from 'assemblyscript/asc';

const STEPS = 64;

/** Eight accumulators (two vectors times four outputs), as in the kernels: the form that came out fastest here. */
const SOURCE = `
export function multiplyAdd(input: usize, weights: usize, output: usize, repeats: i32): void {
  for (let repeat = 0; repeat < repeats; repeat++) {
    let a0 = f32x4.splat(0), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;
    let weight = weights;
    for (let row = input, end = input + ${STEPS} * 32; row < end; row += 32, weight += 16) {
      const x = v128.load(row), y = v128.load(row, 16);
      let w = v128.load32_splat(weight);
      a0 = f32x4.add(a0, f32x4.mul(x, w)); b0 = f32x4.add(b0, f32x4.mul(y, w));
      w = v128.load32_splat(weight, 4);
      a1 = f32x4.add(a1, f32x4.mul(x, w)); b1 = f32x4.add(b1, f32x4.mul(y, w));
      w = v128.load32_splat(weight, 8);
      a2 = f32x4.add(a2, f32x4.mul(x, w)); b2 = f32x4.add(b2, f32x4.mul(y, w));
      w = v128.load32_splat(weight, 12);
      a3 = f32x4.add(a3, f32x4.mul(x, w)); b3 = f32x4.add(b3, f32x4.mul(y, w));
    }
    v128.store(output, a0); v128.store(output, a1, 16); v128.store(output, a2, 32); v128.store(output, a3, 48);
    v128.store(output, b0, 64); v128.store(output, b1, 80); v128.store(output, b2, 96); v128.store(output, b3, 112);
  }
}`;

/** Operations of one repeat: eight vectors of four, a multiplication and an addition each. */
const OPERATIONS = STEPS * 8 * 4 * 2;

/** Runs in a worker: repeats for `seconds`, returns operations per second. */
const WORKER = `
const { parentPort, workerData: { module, operations } } = require('node:worker_threads');
const { multiplyAdd, memory } = new WebAssembly.Instance(module, {}).exports;
new Float32Array(memory.buffer).fill(0.5);
const REPEATS = 2000;
parentPort.on('message', (seconds) => {
  let repeats = 0;
  const start = performance.now();
  let elapsed = 0;
  for (; elapsed < seconds * 1000; repeats += REPEATS) {
    multiplyAdd(4096, 16384, 32768, REPEATS);
    elapsed = performance.now() - start;
  }
  parentPort.postMessage((repeats * operations) / elapsed * 1000);
});`;

/** Measures operations a second (a multiply-add is two), added over threads that run at the same time. */
export interface SimdLimit {
  measure(seconds: number): Promise<number>;
  dispose(): Promise<void>;
}

/** Compiles the loop and starts the threads. */
export async function openSimdLimit(threads: number): Promise<SimdLimit> {
  let binary: Uint8Array<ArrayBuffer> | undefined;
  const { error, stderr } = await asc.main(
    [
      'limit.ts',
      '--outFile',
      'limit.wasm',
      '-O3',
      '--runtime',
      'stub',
      '--enable',
      'simd',
      '--noAssert',
      '--initialMemory',
      '1',
    ],
    {
      readFile: (name) => (name === 'limit.ts' ? SOURCE : null),
      writeFile: (name, contents) => {
        if (name.endsWith('.wasm')) binary = contents as Uint8Array<ArrayBuffer>;
      },
      listFiles: () => [],
    },
  );
  if (error !== null || binary === undefined) throw new Error(`the SIMD loop does not compile: ${stderr.toString()}`);
  const module = await WebAssembly.compile(binary);
  const workers = Array.from(
    { length: threads },
    () => new Worker(WORKER, { eval: true, workerData: { module, operations: OPERATIONS }, execArgv: [] }),
  );
  return {
    async measure(seconds) {
      const rates = workers.map(
        (worker) =>
          new Promise<number>((resolve, reject) => {
            worker.once('message', resolve);
            worker.once('error', reject);
            worker.postMessage(seconds);
          }),
      );
      return (await Promise.all(rates)).reduce((sum, rate) => sum + rate, 0);
    },
    async dispose() {
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}
