// The gradient of max pooling: each output pixel's gradient goes to the first input pixel of its window, row by row,
// that holds the largest value.

/**
 * The gradient of a whole batch.
 *
 * @param input [images, height, width, channels].
 * @param gradient [images, outHeight, outWidth, channels].
 * @param result [images, height, width, channels], overwritten.
 * @param padTop rows of padding above the image, which no maximum can lie in.
 */
export function maxPoolGradient(
  input: usize,
  gradient: usize,
  result: usize,
  images: i32,
  height: i32,
  width: i32,
  channels: i32,
  outHeight: i32,
  outWidth: i32,
  windowHeight: i32,
  windowWidth: i32,
  strideHeight: i32,
  strideWidth: i32,
  padTop: i32,
  padLeft: i32,
): void {
  const imageBytes = <usize>(height * width * channels) << 2;
  const gradientBytes = <usize>(outHeight * outWidth * channels) << 2;
  memory.fill(result, 0, <usize>images * imageBytes);
  for (let image = 0; image < images; image++) {
    scatterMaxima(
      input,
      gradient,
      result,
      height,
      width,
      channels,
      outHeight,
      outWidth,
      windowHeight,
      windowWidth,
      strideHeight,
      strideWidth,
      padTop,
      padLeft,
    );
    input += imageBytes;
    gradient += gradientBytes;
    result += imageBytes;
  }
}

/** Adds the gradients of all windows of one image to `result`. */
function scatterMaxima(
  input: usize,
  gradient: usize,
  result: usize,
  height: i32,
  width: i32,
  channels: i32,
  outHeight: i32,
  outWidth: i32,
  windowHeight: i32,
  windowWidth: i32,
  strideHeight: i32,
  strideWidth: i32,
  padTop: i32,
  padLeft: i32,
): void {
  const wide = channels & ~3;
  for (let y = 0; y < outHeight; y++) {
    const top = max(0, y * strideHeight - padTop);
    const bottom = min(height, y * strideHeight - padTop + windowHeight);
    for (let x = 0; x < outWidth; x++) {
      const left = max(0, x * strideWidth - padLeft);
      const right = min(width, x * strideWidth - padLeft + windowWidth);
      for (let channel = 0; channel < wide; channel += 4) {
        let largest = f32x4.splat(-Infinity);
        let where = i32x4.splat(-1);
        for (let row = top; row < bottom; row++) {
          for (let column = left; column < right; column++) {
            const pixel = row * width + column;
            const value = v128.load(input + (<usize>(pixel * channels + channel) << 2));
            const greater = f32x4.gt(value, largest);
            largest = v128.bitselect(value, largest, greater);
            where = v128.bitselect(i32x4.splat(pixel), where, greater);
          }
        }
        const incoming = v128.load(gradient + (<usize>((y * outWidth + x) * channels + channel) << 2));
        for (let row = top; row < bottom; row++) {
          for (let column = left; column < right; column++) {
            const pixel = row * width + column;
            const at = result + (<usize>(pixel * channels + channel) << 2);
            const here = i32x4.eq(where, i32x4.splat(pixel));
            v128.store(at, f32x4.add(v128.load(at), v128.and(incoming, here)));
          }
        }
      }
      for (let channel = wide; channel < channels; channel++) {
        let largest: f32 = -Infinity;
        let where = -1;
        for (let row = top; row < bottom; row++) {
          for (let column = left; column < right; column++) {
            const pixel = row * width + column;
            const value = load<f32>(input + (<usize>(pixel * channels + channel) << 2));
            if (value > largest) {
              largest = value;
              where = pixel;
            }
          }
        }
        if (where < 0) continue;
        const at = result + (<usize>(where * channels + channel) << 2);
        const incoming = load<f32>(gradient + (<usize>((y * outWidth + x) * channels + channel) << 2));
        store<f32>(at, load<f32>(at) + incoming);
      }
    }
  }
}
