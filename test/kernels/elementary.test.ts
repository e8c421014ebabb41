import { readFile } from 'node:fs/promises';
import asc from 'assemblyscript/asc';
import { beforeAll, expect, test } from 'vitest';

/** Opens the vector functions to the test, a lane at a time. */
const ENTRY = `
import { power4, tanh4, tanhSlope4 } from './src/kernels/assembly/elementary';
export function power(x: f32): f32 { return f32x4.extract_lane(power4(f32x4.splat(x)), 0); }
export function tanh(x: f32): f32 { return f32x4.extract_lane(tanh4(f32x4.splat(x)), 1); }
export function tanhSlope(x: f32): f32 { return f32x4.extract_lane(tanhSlope4(f32x4.splat(x)), 2); }
`;

let functions: Record<'power' | 'tanh' | 'tanhSlope', (x: number) => number>;

beforeAll(async () => {
  let binary: Uint8Array<ArrayBuffer> | undefined;
  const { stderr } = await asc.main(
    ['entry.ts', '--outFile', 'out.wasm', '--runtime', 'stub', '--enable', 'simd', '-O1', '--use', 'abort='],
    {
      readFile: (name) => (name === 'entry.ts' ? ENTRY : readFile(name, 'utf8').catch(() => null)),
      writeFile: (name, contents) => {
        if (name.endsWith('.wasm')) binary = contents as Uint8Array<ArrayBuffer>;
      },
      listFiles: () => [],
    },
  );
  if (binary === undefined) throw new Error(stderr.toString());
  const { instance } = await WebAssembly.instantiate(binary, {});
  functions = instance.exports as typeof functions;
});

/** Largest relative error over `count` float32 arguments from `low` to `high`. */
function worstError(ours: (x: number) => number, truth: (x: number) => number, low: number, high: number): number {
  const count = 200_000;
  let worst = 0;
  for (let i = 0; i <= count; i++) {
    const x = Math.fround(low + ((high - low) * i) / count);
    worst = Math.max(worst, Math.abs(ours(x) / truth(x) - 1));
  }
  return worst;
}

test('powers of two are within 1e-6 from -125 to 127', () => {
  expect(worstError(functions.power, (x) => 2 ** x, -125, 127)).toBeLessThan(3e-7);
  expect(worstError(functions.power, (x) => 2 ** x, -0.6, 0.6)).toBeLessThan(3e-7);
});

test('powers of two are held at the ends and let NaN through', () => {
  expect(functions.power(0)).toBe(1);
  for (const x of [127.001, 1e30, Number.POSITIVE_INFINITY]) expect(functions.power(x)).toBe(2 ** 127);
  for (const x of [-125.001, -1e30, Number.NEGATIVE_INFINITY]) expect(functions.power(x)).toBe(2 ** -125);
  expect(functions.power(Number.NaN)).toBeNaN();
});

test('tanh is within 1e-6 everywhere, also next to zero', () => {
  expect(worstError(functions.tanh, Math.tanh, -20, 20.0001)).toBeLessThan(3e-7);
  for (const size of [1e-38, 1e-20, 1e-6, 1e-3, 0.1, 0.6249, 0.6251, 1])
    expect(worstError(functions.tanh, Math.tanh, size, 1.5 * size)).toBeLessThan(3e-7);
  expect(functions.tanh(0)).toBe(0);
  for (const x of [50, 1e30, Number.POSITIVE_INFINITY]) {
    expect(functions.tanh(x)).toBe(1);
    expect(functions.tanh(-x)).toBe(-1);
  }
  expect(functions.tanh(Number.NaN)).toBeNaN();
});

test('the slope of tanh stays right where tanh has rounded to 1', () => {
  const slope = (x: number) => 1 / Math.cosh(x) ** 2;
  expect(worstError(functions.tanhSlope, slope, -8, 8)).toBeLessThan(2e-6);
  expect(worstError(functions.tanhSlope, slope, 8, 40)).toBeLessThan(1e-5);
  expect(functions.tanhSlope(0)).toBe(1);
  expect(functions.tanhSlope(1e30)).toBeLessThan(1e-37);
  expect(functions.tanhSlope(Number.NaN)).toBeNaN();
});
