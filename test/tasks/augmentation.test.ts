import '@tensorflow/tfjs-backend-cpu';
import { setBackend } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { UsageError } from '../../src/errors.js';
import { Random } from '../../src/random.js';
import {
  type AffineMap,
  type Augmentation,
  applyMap,
  checkAugmentation,
  drawMap,
} from '../../src/tasks/augmentation.js';
import type { ImageShape } from '../../src/tasks/imageShape.js';
import { ImageExamples } from '../../src/tasks/images.js';

const SHAPE: ImageShape = [5, 5, 2];
const PIXELS = Uint8Array.from({ length: 3 * 50 }, (_, i) => (i * 37) % 256);
const BYTES = Float32Array.from({ length: 256 }, (_, byte) => byte);
const IDENTITY: AffineMap = { rr: 1, rc: 0, r0: 0, cr: 0, cc: 1, c0: 0 };

const pixel = (image: number, row: number, column: number, channel: number) =>
  PIXELS[image * 50 + (row * 5 + column) * 2 + channel];

/** The second image under a map. */
function apply(map: AffineMap): Float32Array {
  const target = new Float32Array(60).fill(-1);
  applyMap(map, SHAPE, PIXELS, 50, BYTES, target, 10);
  expect(target.subarray(0, 10).every((value) => value === -1)).toBe(true);
  return target.subarray(10);
}

function expectFrom(actual: Float32Array, source: (row: number, column: number) => [row: number, column: number]) {
  for (let row = 0; row < 5; row++) {
    for (let column = 0; column < 5; column++) {
      const [fromRow, fromColumn] = source(row, column);
      for (let channel = 0; channel < 2; channel++) {
        expect(actual[(row * 5 + column) * 2 + channel]).toBeCloseTo(pixel(1, fromRow, fromColumn, channel), 3);
      }
    }
  }
}

const clamp = (place: number) => Math.min(4, Math.max(0, place));

describe('applyMap', () => {
  it('leaves an image as it is under the identity', () => {
    expect(apply(IDENTITY)).toEqual(Float32Array.from(PIXELS.subarray(50, 100)));
  });

  it('shifts by whole pixels exactly, repeating the edge', () => {
    expectFrom(apply({ ...IDENTITY, r0: 2, c0: -1 }), (row, column) => [clamp(row + 2), clamp(column - 1)]);
    expectFrom(apply({ ...IDENTITY, r0: -9, c0: 9 }), () => [0, 4]);
  });

  it('interpolates between pixels', () => {
    const half = apply({ ...IDENTITY, r0: 0.25, c0: 0.5 });
    const expected =
      0.75 * (0.5 * pixel(1, 1, 2, 0) + 0.5 * pixel(1, 1, 3, 0)) +
      0.25 * (0.5 * pixel(1, 2, 2, 0) + 0.5 * pixel(1, 2, 3, 0));
    expect(half[(5 + 2) * 2]).toBeCloseTo(expected, 3);
  });
});

/** Maps that settings give, many draws. */
function draw(settings: Augmentation, seed = 1): AffineMap[] {
  const random = new Random(seed, 'augmentation');
  const positiveZero = (map: AffineMap) => Object.fromEntries(Object.entries(map).map(([name, x]) => [name, x + 0]));
  return Array.from({ length: 400 }, () => positiveZero(drawMap({ settings, random }, SHAPE)) as AffineMap);
}

describe('drawMap', () => {
  it('changes nothing when nothing is asked for', () => {
    for (const map of draw({})) expect(map).toEqual(IDENTITY);
  });

  it('mirrors half of the images', () => {
    const maps = draw({ flip: true });
    const mirrored = maps.filter((map) => map.cc === -1);
    expect(mirrored.length).toBeGreaterThan(150);
    expect(mirrored.length).toBeLessThan(250);
    expectFrom(apply(mirrored[0]), (row, column) => [row, 4 - column]);
    expect(maps.find((map) => map.cc === 1)).toEqual(IDENTITY);
  });

  it('shifts within the share that is given', () => {
    const maps = draw({ shift: 0.2 });
    for (const map of maps) {
      expect(map).toMatchObject({ rr: 1, cc: 1 });
      expect(Math.max(Math.abs(map.r0), Math.abs(map.c0))).toBeLessThanOrEqual(1);
    }
    expect(Math.max(...maps.map((map) => map.r0))).toBeGreaterThan(0.9);
    expect(Math.min(...maps.map((map) => map.c0))).toBeLessThan(-0.9);
  });

  it('rotates about the center, by angles within the limit', () => {
    for (const map of draw({ rotation: 30 })) {
      expect(map.rr * map.cc - map.rc * map.cr).toBeCloseTo(1, 9);
      expect(Math.abs(Math.atan2(map.cr, map.rr))).toBeLessThanOrEqual(Math.PI / 6);
      expect(map.rr * 2 + map.rc * 2 + map.r0).toBeCloseTo(2, 9);
      expect(map.cr * 2 + map.cc * 2 + map.c0).toBeCloseTo(2, 9);
    }
    // A quarter turn: rows become columns.
    const quarter = { rr: 0, rc: -1, r0: 4, cr: 1, cc: 0, c0: 0 };
    expectFrom(apply(quarter), (row, column) => [4 - column, row]);
  });

  it('zooms about the center, height and width each', () => {
    const maps = draw({ zoom: 0.5 });
    for (const map of maps) {
      for (const factor of [map.rr, map.cc]) expect(Math.abs(factor - 1)).toBeLessThanOrEqual(0.5);
      expect(map.rr * 2 + map.r0).toBeCloseTo(2, 9);
      expect(map.rr).not.toBe(map.cc);
    }
  });

  it('draws the same maps from the same seed, and the shift of a map whatever else is asked for', () => {
    expect(draw({ shift: 0.2, zoom: 0.1 })).toEqual(draw({ shift: 0.2, zoom: 0.1 }));
    expect(draw({ shift: 0.2 }, 2)).not.toEqual(draw({ shift: 0.2 }, 1));
    expect(draw({ shift: 0.2, flip: true }).filter((map) => map.cc === 1)[0]).toEqual(
      draw({ shift: 0.2 })[draw({ flip: true }).findIndex((map) => map.cc === 1)],
    );
  });
});

describe('ImageExamples.takeBatch', () => {
  beforeAll(async () => {
    await setBackend('cpu');
  });

  it('changes each image by its own draw, always the same from one seed', () => {
    const examples = new ImageExamples(SHAPE, PIXELS, Uint8Array.of(0, 1, 2));
    const take = (seed: number) => {
      const batch = examples.takeBatch(Uint32Array.of(1, 1, 1), {
        settings: { shift: 0.5 },
        random: new Random(seed, 'augmentation'),
      });
      return Array.from(batch.xs.dataSync());
    };
    const values = take(1);
    expect(values).toEqual(take(1));
    expect(values).not.toEqual(take(2));
    expect(values.slice(0, 50)).not.toEqual(values.slice(50, 100));
    for (const value of values) expect(value >= 0 && value <= 1).toBe(true);
  });
});

describe('checkAugmentation', () => {
  it('refuses what cannot be', () => {
    expect(() => checkAugmentation({ shift: 1, rotation: 180, zoom: 0.9, flip: true })).not.toThrow();
    for (const wrong of [{ shift: 1.1 }, { shift: -1 }, { rotation: 181 }, { zoom: 1 }, { zoom: Number.NaN }]) {
      expect(() => checkAugmentation(wrong)).toThrow(UsageError);
    }
  });
});
