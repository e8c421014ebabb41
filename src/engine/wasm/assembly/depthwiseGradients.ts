// The gradients of a depthwise convolution with one filter a channel. Channels lie next to each other, so all loops go
// along them, four at a time.

// Rows or columns of output whose window holds input at a given tap: the first, and one past the last.
// @ts-ignore: decorator
@inline
function firstOutput(tap: i32, stride: i32, padding: i32): i32 {
  return max(0, (padding - tap + stride - 1) / stride);
}

// @ts-ignore: decorator
@inline
function lastOutput(tap: i32, stride: i32, padding: i32, size: i32, outSize: i32): i32 {
  const reach = size - 1 + padding - tap;
  return reach < 0 ? 0 : min(outSize, reach / stride + 1);
}

/**
 * With respect to the input.
 *
 * @param gradient [images, outHeight, outWidth, channels].
 * @param filter [filterHeight, filterWidth, channels].
 * @param result [images, height, width, channels], overwritten.
 */
export function depthwiseInputGradient(
  gradient: usize,
  filter: usize,
  result: usize,
  images: i32,
  height: i32,
  width: i32,
  channels: i32,
  outHeight: i32,
  outWidth: i32,
  filterHeight: i32,
  filterWidth: i32,
  strideHeight: i32,
  strideWidth: i32,
  top: i32,
  left: i32,
): void {
  const pixel = <usize>channels << 2;
  const vectors = pixel & ~15;
  const imageBytes = <usize>(height * width) * pixel;
  memory.fill(result, 0, <usize>images * imageBytes);
  for (let image = 0; image < images; image++) {
    for (let row = 0; row < filterHeight; row++) {
      const lastY = lastOutput(row, strideHeight, top, height, outHeight);
      for (let y = firstOutput(row, strideHeight, top); y < lastY; y++) {
        for (let column = 0; column < filterWidth; column++) {
          const tap = filter + <usize>(row * filterWidth + column) * pixel;
          const firstX = firstOutput(column, strideWidth, left);
          const lastX = lastOutput(column, strideWidth, left, width, outWidth);
          const inputY = y * strideHeight + row - top;
          let to = result + <usize>(inputY * width + firstX * strideWidth + column - left) * pixel;
          let from = gradient + <usize>(y * outWidth + firstX) * pixel;
          for (let x = firstX; x < lastX; x++) {
            let offset: usize = 0;
            for (; offset < vectors; offset += 16) {
              const product = f32x4.mul(v128.load(from + offset), v128.load(tap + offset));
              v128.store(to + offset, f32x4.add(v128.load(to + offset), product));
            }
            for (; offset < pixel; offset += 4) {
              const product = load<f32>(from + offset) * load<f32>(tap + offset);
              store<f32>(to + offset, load<f32>(to + offset) + product);
            }
            from += pixel;
            to += <usize>strideWidth * pixel;
          }
        }
      }
    }
    gradient += <usize>(outHeight * outWidth) * pixel;
    result += imageBytes;
  }
}

/**
 * With respect to the filter.
 *
 * @param input [images, height, width, channels].
 * @param gradient [images, outHeight, outWidth, channels].
 * @param result [filterHeight, filterWidth, channels], overwritten.
 */
export function depthwiseFilterGradient(
  input: usize,
  gradient: usize,
  result: usize,
  images: i32,
  height: i32,
  width: i32,
  channels: i32,
  outHeight: i32,
  outWidth: i32,
  filterHeight: i32,
  filterWidth: i32,
  strideHeight: i32,
  strideWidth: i32,
  top: i32,
  left: i32,
): void {
  const pixel = <usize>channels << 2;
  memory.fill(result, 0, <usize>(filterHeight * filterWidth) * pixel);
  for (let image = 0; image < images; image++) {
    for (let row = 0; row < filterHeight; row++) {
      const firstY = firstOutput(row, strideHeight, top);
      const lastY = lastOutput(row, strideHeight, top, height, outHeight);
      for (let column = 0; column < filterWidth; column++) {
        const firstX = firstOutput(column, strideWidth, left);
        const lastX = lastOutput(column, strideWidth, left, width, outWidth);
        if (firstY >= lastY || firstX >= lastX) continue;
        const inputY = firstY * strideHeight + row - top;
        const inputX = firstX * strideWidth + column - left;
        sumProducts(
          input + <usize>(inputY * width + inputX) * pixel,
          gradient + <usize>(firstY * outWidth + firstX) * pixel,
          result + <usize>(row * filterWidth + column) * pixel,
          pixel,
          lastY - firstY,
          <usize>(lastX - firstX) * pixel,
          <usize>(strideHeight * width) * pixel,
          <usize>strideWidth * pixel,
          <usize>outWidth * pixel,
        );
      }
    }
    input += <usize>(height * width) * pixel;
    gradient += <usize>(outHeight * outWidth) * pixel;
  }
}

/** Adds to the channels of one tap the products of input and gradient over one image; sizes and steps in bytes. */
function sumProducts(
  input: usize,
  gradient: usize,
  sum: usize,
  pixel: usize,
  rows: i32,
  rowLength: usize,
  inputRow: usize,
  inputStep: usize,
  gradientRow: usize,
): void {
  let offset: usize = 0;
  for (; offset + 32 <= pixel; offset += 32) {
    let a = f32x4.splat(0);
    let b = a;
    for (let y = 0; y < rows; y++) {
      let x = input + offset + <usize>y * inputRow;
      const begin = gradient + offset + <usize>y * gradientRow;
      for (let g = begin; g < begin + rowLength; g += pixel) {
        a = f32x4.add(a, f32x4.mul(v128.load(x), v128.load(g)));
        b = f32x4.add(b, f32x4.mul(v128.load(x, 16), v128.load(g, 16)));
        x += inputStep;
      }
    }
    v128.store(sum + offset, f32x4.add(v128.load(sum + offset), a));
    v128.store(sum + offset, f32x4.add(v128.load(sum + offset, 16), b), 16);
  }
  for (; offset < pixel; offset += 4) {
    let a: f32 = 0;
    for (let y = 0; y < rows; y++) {
      let x = input + offset + <usize>y * inputRow;
      const begin = gradient + offset + <usize>y * gradientRow;
      for (let g = begin; g < begin + rowLength; g += pixel) {
        a += load<f32>(x) * load<f32>(g);
        x += inputStep;
      }
    }
    store<f32>(sum + offset, load<f32>(sum + offset) + a);
  }
}
