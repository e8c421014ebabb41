import { readFile } from 'node:fs/promises';
import asc from 'assemblyscript/asc';
import { beforeAll, expect, test } from 'vitest';

/** Opens the vector functions to the test, a lane at a time. */
const ENTRY = `
import { activate } from './src/families/wnn/assembly/activation';
import { exp4, tanh4, tanhSlope4 } from './src/kernels/assembly/elementary';
export function exp(x: f32): f32 { return f32x4.extract_lane(exp4(f32x4.splat(x)), 0); }
export function tanh(x: f32): f32 { return f32x4.extract_lane(tanh4(f32x4.splat(x)), 1); }
export function tanhSlope(x: f32): f32 { return f32x4.extract_lane(tanhSlope4(f32x4.splat(x)), 2); }
const rows = memory.data(4 * 2 * 32);
export function rowsAt(): usize { return rows; }
export function activateTwo(): void { activate(rows, rows + 64, rows + 128, rows + 192, 2); }
`;

let functions: Record<'exp' | 'tanh' | 'tanhSlope', (x: number) => number> & {
  memory: WebAssembly.Memory;
  rowsAt(): number;
  activateTwo(): void;
};

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

/** The least and the largest float32 numbers whose exp is a normal float32. */
const [LEAST, MOST] = [-87.33654, 88.72283].map(Math.fround);

test('exp is within 1e-6 wherever it is a normal float32', () => {
  expect(worstError(functions.exp, Math.exp, LEAST, MOST)).toBeLessThan(1e-6);
  expect(worstError(functions.exp, Math.exp, -1, 1)).toBeLessThan(1e-6);
  for (const end of [LEAST, -16, 16, MOST - 0.001])
    expect(worstError(functions.exp, Math.exp, end, end + 0.001), `${end}`).toBeLessThan(1e-6);
});

test('exp is held at the ends, a normal and a finite number, and lets NaN through', () => {
  expect(functions.exp(0)).toBe(1);
  const [lowest, highest] = [functions.exp(LEAST), functions.exp(MOST)];
  expect(lowest).toBeGreaterThanOrEqual(2 ** -126);
  expect(highest).toBeLessThan(2 ** 128);
  for (const x of [88.73, 1e30, Number.POSITIVE_INFINITY]) expect(functions.exp(x)).toBe(highest);
  for (const x of [-87.34, -1e30, Number.NEGATIVE_INFINITY]) expect(functions.exp(x)).toBe(lowest);
  expect(functions.exp(Number.NaN)).toBeNaN();
});

test('the activation takes the same exp, bit by bit, in every lane', () => {
  const rows = new Float32Array(functions.memory.buffer, functions.rowsAt(), 64);
  const factors = [1e30, -1e30, Number.NaN, 88.5, -87.2, 16, -1, 1e-3, 0, 1, 42.42, -42.42, 7, -0.35, 0.3465, -63];
  rows.set(factors);
  rows.fill(1, 16, 48);
  rows[16] = -2.5;
  functions.activateTwo();
  factors.forEach((x, i) => {
    const power = functions.exp(Math.fround(x));
    expect(rows[16 + i]).toBe(power);
    expect(rows[48 + i]).toBe(i === 0 ? Math.fround(-2.5 * power) : power);
  });
});

test('tanh is within 1e-6 everywhere, also next to zero', () => {
  expect(worstError(functions.tanh, Math.tanh, -20, 20.0001)).toBeLessThan(1e-6);
  for (const size of [1e-38, 1e-20, 1e-6, 1e-3, 0.1, 0.6249, 0.6251, 1])
    expect(worstError(functions.tanh, Math.tanh, size, 1.5 * size)).toBeLessThan(1e-6);
  expect(functions.tanh(0)).toBe(0);
  for (const x of [50, 1e30, Number.POSITIVE_INFINITY]) {
    expect(functions.tanh(x)).toBe(1);
    expect(functions.tanh(-x)).toBe(-1);
  }
  expect(functions.tanh(Number.NaN)).toBeNaN();
});

test('the slope of tanh stays right where tanh has rounded to 1', () => {
  const slope = (x: number) => 1 / Math.cosh(x) ** 2;
  expect(worstError(functions.tanhSlope, slope, -8, 8)).toBeLessThan(1e-6);
  expect(worstError(functions.tanhSlope, slope, 8, 43)).toBeLessThan(1e-6);
  expect(functions.tanhSlope(0)).toBe(1);
  expect(functions.tanhSlope(1e30)).toBeLessThan(1e-37);
  expect(functions.tanhSlope(Number.NaN)).toBeNaN();
});
