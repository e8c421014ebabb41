import { describe, expect, it } from 'vitest';
import { chooseExtent } from '../../src/report/extent.js';

/** A loss that falls from 2 to 1. */
const falling = Array.from({ length: 50 }, (_, i) => 2 - i / 49);

describe('chooseExtent', () => {
  it('shows everything where nothing is far off', () => {
    const slower = falling.map((loss) => loss + 0.2);
    expect(chooseExtent([falling, slower], 'lower')).toEqual({ low: 1, high: 2.2, log: false, cut: null });
  });

  it.each([[30], [1e9]])(
    'cuts a spike to %d off, of the baseline as of another, above twice the baseline’s span',
    (spike) => {
      const spiked = falling.map((loss, i) => (i === 20 ? spike : loss));
      for (const curves of [
        [falling, spiked],
        [spiked, falling],
      ]) {
        const { low, high, cut } = chooseExtent(curves, 'lower');
        expect([low, cut]).toEqual([1, 'above']);
        expect(high).toBeGreaterThan(2);
        expect(high).toBeLessThan(3.1);
      }
    },
  );

  it('cuts a runaway training off, but not one that is merely worse throughout', () => {
    const worse = falling.map((loss) => loss + 3);
    expect(chooseExtent([falling, worse], 'lower').high).toBeGreaterThan(3.5);
    const runaway = falling.map((loss, i) => loss * 2 ** i);
    expect(chooseExtent([falling, runaway], 'lower').high).toBeLessThan(10);
  });

  it('never cuts the best off; where higher is better it cuts below', () => {
    const accuracy = falling.map((loss) => 1.95 - loss / 2);
    const better = accuracy.map((value) => value + 0.04);
    const fallen = accuracy.map((value, i) => (i === 30 ? -20 : value));
    const { low, high, cut } = chooseExtent([accuracy, better, fallen], 'higher');
    expect(high).toBe(Math.max(...better));
    expect(cut).toBe('below');
    expect(low).toBeGreaterThan(-1);
  });

  it('is logarithmic where losses span much, and never for values that are not positive', () => {
    const steep = falling.map((_, i) => 2 * 0.9 ** i);
    expect(chooseExtent([steep], 'lower').log).toBe(true);
    expect(chooseExtent([steep.map((loss) => loss - 0.1)], 'lower').log).toBe(false);
  });

  it('takes single and equal values', () => {
    expect(chooseExtent([[0.5]], 'higher')).toEqual({ low: 0.5, high: 0.5, log: false, cut: null });
    expect(chooseExtent([[1, 1], [1]], 'lower')).toEqual({ low: 1, high: 1, log: false, cut: null });
  });
});
