// The gradient of a convolution with respect to its filter, a few images at a time, so that what it reads stays in cache.
//
// For one filter row, the taps (column, channel) under an output pixel lie next to each other in the input, so the
// gradient of that filter row is a product of matrices: [taps, pixels] x [pixels, output channels]. It is computed in
// tiles of 4 taps x 8 channels, whose sums over the pixels of a group of images stay in registers. Taps and channels are
// filled up to whole tiles; what comes out beyond them is never read. The lines that update a tile stand in each loop, as in
// src/kernels/assembly/products.ts: only locals stay in registers.

/**
 * The gradient of a whole batch.
 *
 * @param input [images, height, width, inChannels].
 * @param gradient [images, outHeight, outWidth, outChannels].
 * @param result [filterHeight, filterWidth, inChannels, outChannels], overwritten.
 * @param framed scratch [group, framedHeight, framedWidth, inChannels] and 4 numbers more.
 * @param widened scratch [group, outHeight, outWidth, channels], channels = outChannels rounded up to 8; not used when
 *   that is outChannels.
 * @param sums scratch [filterHeight, taps, channels], taps = filterWidth * inChannels rounded up to 4.
 * @param group images at a time.
 * @param top rows of padding above the image; may be negative, as may `left`.
 */
export function filterGradient(
  input: usize,
  gradient: usize,
  result: usize,
  framed: usize,
  widened: usize,
  sums: usize,
  images: i32,
  group: i32,
  height: i32,
  width: i32,
  inChannels: i32,
  outHeight: i32,
  outWidth: i32,
  outChannels: i32,
  filterHeight: i32,
  filterWidth: i32,
  strideHeight: i32,
  strideWidth: i32,
  top: i32,
  left: i32,
  framedHeight: i32,
  framedWidth: i32,
): void {
  const taps = (filterWidth * inChannels + 3) & ~3;
  const channels = (outChannels + 7) & ~7;
  const imageSize = height * width * inChannels;
  const framedSize = framedHeight * framedWidth * inChannels;
  const outPixels = outHeight * outWidth;
  memory.fill(sums, 0, <usize>(filterHeight * taps * channels) << 2);
  memory.fill(framed, 0, <usize>(group * framedSize + 4) << 2);
  const firstRow = max(0, -top);
  const lastRow = min(height, framedHeight - top);
  const firstColumn = max(0, -left);
  const rowBytes = (<usize>max(0, (min(width, framedWidth - left) - firstColumn) * inChannels)) << 2;
  for (let first = 0; first < images; first += group) {
    const count = min(group, images - first);
    for (let image = 0; image < count; image++) {
      const from = input + (<usize>((first + image) * imageSize + firstColumn * inChannels) << 2);
      const to = framed + (<usize>(image * framedSize + (left + firstColumn) * inChannels) << 2);
      for (let row = firstRow; row < lastRow; row++) {
        memory.copy(
          to + (<usize>((top + row) * framedWidth * inChannels) << 2),
          from + (<usize>(row * width * inChannels) << 2),
          rowBytes,
        );
      }
    }
    let incoming = gradient + (<usize>(first * outPixels * outChannels) << 2);
    if (channels !== outChannels) {
      widenPixels(incoming, widened, count * outPixels, outChannels, channels);
      incoming = widened;
    }
    for (let row = 0; row < filterHeight; row++) {
      for (let tap = 0; tap < taps; tap += 4) {
        for (let channel = 0; channel < channels; channel += 8) {
          addTile(
            framed + (<usize>(row * framedWidth * inChannels + tap) << 2),
            incoming + (<usize>channel << 2),
            sums + (<usize>((row * taps + tap) * channels + channel) << 2),
            count,
            <usize>framedSize << 2,
            <usize>(strideHeight * framedWidth * inChannels) << 2,
            <usize>(strideWidth * inChannels) << 2,
            outHeight,
            <usize>(outWidth * channels) << 2,
            <usize>channels << 2,
          );
        }
      }
    }
  }
  for (let row = 0; row < filterHeight; row++) {
    for (let tap = 0; tap < filterWidth * inChannels; tap++) {
      memory.copy(
        result + (<usize>((row * filterWidth * inChannels + tap) * outChannels) << 2),
        sums + (<usize>((row * taps + tap) * channels) << 2),
        <usize>outChannels << 2,
      );
    }
  }
}

/** Copies pixels of `from` channels to pixels of `to` channels; what is in between stays as it is. */
function widenPixels(source: usize, target: usize, pixels: i32, from: i32, to: i32): void {
  const sourceStep = <usize>from << 2;
  const targetStep = <usize>to << 2;
  for (let pixel = 0; pixel < pixels; pixel++) {
    for (let offset: usize = 0; offset < sourceStep; offset += 4) {
      store<f32>(target + offset, load<f32>(source + offset));
    }
    source += sourceStep;
    target += targetStep;
  }
}

/** Adds to a tile of sums [4 taps, 8 channels] the products over all pixels of a group; steps are in bytes. */
function addTile(
  corner: usize,
  gradient: usize,
  sum: usize,
  images: i32,
  imageStep: usize,
  rowStep: usize,
  pixelStep: usize,
  outHeight: i32,
  gradientRow: usize,
  gradientStep: usize,
): void {
  let a0 = f32x4.splat(0);
  let a1 = a0;
  let a2 = a0;
  let a3 = a0;
  let b0 = a0;
  let b1 = a0;
  let b2 = a0;
  let b3 = a0;
  for (let image = 0; image < images; image++) {
    let row = corner;
    for (let y = 0; y < outHeight; y++) {
      let input = row;
      for (const end = gradient + gradientRow; gradient < end; gradient += gradientStep) {
        const g = v128.load(gradient);
        const h = v128.load(gradient, 16);
        let x = v128.load32_splat(input);
        a0 = f32x4.add(a0, f32x4.mul(x, g));
        b0 = f32x4.add(b0, f32x4.mul(x, h));
        x = v128.load32_splat(input, 4);
        a1 = f32x4.add(a1, f32x4.mul(x, g));
        b1 = f32x4.add(b1, f32x4.mul(x, h));
        x = v128.load32_splat(input, 8);
        a2 = f32x4.add(a2, f32x4.mul(x, g));
        b2 = f32x4.add(b2, f32x4.mul(x, h));
        x = v128.load32_splat(input, 12);
        a3 = f32x4.add(a3, f32x4.mul(x, g));
        b3 = f32x4.add(b3, f32x4.mul(x, h));
        input += pixelStep;
      }
      row += rowStep;
    }
    corner += imageStep;
  }
  addPair(sum, a0, b0);
  sum += gradientStep;
  addPair(sum, a1, b1);
  sum += gradientStep;
  addPair(sum, a2, b2);
  sum += gradientStep;
  addPair(sum, a3, b3);
}

// @ts-ignore: decorator
@inline
function addPair(at: usize, first: v128, second: v128): void {
  v128.store(at, f32x4.add(v128.load(at), first));
  v128.store(at, f32x4.add(v128.load(at, 16), second), 16);
}
