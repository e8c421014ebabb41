// Gradients of a float64 function by central differences.

/** The gradient of `loss` with respect to each of its arrays. */
export function differentiate(loss: (...inputs: number[][]) => number, inputs: number[][]): number[][] {
  return inputs.map((input, which) =>
    input.map((value, i) => {
      const shifted = (step: number) => {
        const copy = inputs.map((array) => [...array]);
        copy[which][i] = value + step;
        return loss(...copy);
      };
      return (shifted(1e-5) - shifted(-1e-5)) / 2e-5;
    }),
  );
}

/** `count` numbers that look random, between -scale and scale. */
export const wave = (count: number, scale: number, step = 1.7): number[] =>
  Array.from({ length: count }, (_, i) => scale * Math.sin(i * step + i * i * 0.37));
