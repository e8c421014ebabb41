// Data augmentation for images: shift, flip, rotation and zoom, as in Keras's ImageDataGenerator. One affine map per
// image with bilinear interpolation; pixels outside the image take the value of its edge.

import { UsageError } from '../errors.js';
import type { Random } from '../random.js';
import type { ImageShape } from './imageShape.js';

/** Ranges of the random changes. A setting that is left out is not applied. */
export interface Augmentation {
  /** Maximum shift in each direction, as a fraction of height and width, 0 to 1. */
  shift?: number;
  /** Whether to flip half of the images horizontally. */
  flip?: boolean;
  /** Maximum rotation in either direction, in degrees, 0 to 180. */
  rotation?: number;
  /** Maximum zoom of height and width, below 1: 0.1 scales each by 0.9 to 1.1. */
  zoom?: number;
}

/** Settings with their random stream. */
export interface AugmentationDraw {
  settings: Augmentation;
  random: Random;
}

/** The source of a target pixel: source row = rr * row + rc * column + r0, source column = cr * row + cc * column + c0. */
export interface AffineMap {
  rr: number;
  rc: number;
  r0: number;
  cr: number;
  cc: number;
  c0: number;
}

/**
 * Validates user settings.
 *
 * @throws {@link UsageError} for a value out of range.
 */
export function checkAugmentation({ shift = 0, rotation = 0, zoom = 0 }: Augmentation): void {
  const check = (name: string, value: number, valid: boolean, range: string) => {
    if (valid) return;
    throw new UsageError({ what: `${name} out of range`, where: `${value}`, remedy: `give ${range}` });
  };
  check('shift', shift, shift >= 0 && shift <= 1, '0 to 1');
  check('rotation', rotation, rotation >= 0 && rotation <= 180, '0 to 180 degrees');
  check('zoom', zoom, zoom >= 0 && zoom < 1, '0 to below 1');
}

/**
 * Draws the map of one image. Every kind of change draws its numbers even if it is off, so that enabling one does not
 * change the others.
 */
export function drawMap({ settings, random }: AugmentationDraw, [height, width]: ImageShape): AffineMap {
  const between = (limit = 0) => (2 * random.uniform() - 1) * limit;
  const rowShift = between(settings.shift) * height;
  const columnShift = between(settings.shift) * width;
  const angle = (between(settings.rotation) * Math.PI) / 180;
  const rowZoom = 1 + between(settings.zoom);
  const columnZoom = 1 + between(settings.zoom);
  const mirrored = random.uniform() < 0.5 && settings.flip === true;
  const rowCenter = (height - 1) / 2;
  const columnCenter = (width - 1) / 2;
  const [sin, cos] = [Math.sin(angle), Math.cos(angle)];
  const map = { rr: cos * rowZoom, rc: -sin * columnZoom, r0: 0, cr: sin * rowZoom, cc: cos * columnZoom, c0: 0 };
  map.r0 = rowCenter + rowShift - map.rr * rowCenter - map.rc * columnCenter;
  map.c0 = columnCenter + columnShift - map.cr * rowCenter - map.cc * columnCenter;
  if (mirrored) Object.assign(map, { cr: -map.cr, cc: -map.cc, c0: width - 1 - map.c0 });
  return map;
}

/**
 * Writes one image, transformed by a map, as floats.
 *
 * @param pixels images [height, width, channels] of bytes, one of which begins at `from`.
 * @param scale value of each byte, [256].
 * @param target receives the image from `to` on.
 */
export function applyMap(
  map: AffineMap,
  [height, width, channels]: ImageShape,
  pixels: Uint8Array,
  from: number,
  scale: Float32Array,
  target: Float32Array,
  to: number,
): void {
  let out = to;
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const r = Math.min(height - 1, Math.max(0, map.rr * row + map.rc * column + map.r0));
      const c = Math.min(width - 1, Math.max(0, map.cr * row + map.cc * column + map.c0));
      const top = Math.floor(r);
      const left = Math.floor(c);
      const down = r - top;
      const right = c - left;
      const upper = from + (top * width + left) * channels;
      // At the last row or column the weight of the neighbor is 0.
      const rightwards = left + 1 < width ? channels : 0;
      const lower = top + 1 < height ? upper + width * channels : upper;
      for (let channel = 0; channel < channels; channel++) {
        const a = scale[pixels[upper + channel]];
        const b = scale[pixels[upper + rightwards + channel]];
        const d = scale[pixels[lower + channel]];
        const e = scale[pixels[lower + rightwards + channel]];
        const above = a + (b - a) * right;
        target[out++] = above + (d + (e - d) * right - above) * down;
      }
    }
  }
}
