// The shape of images.

/** [height, width, channels] of an image. */
export type ImageShape = readonly [height: number, width: number, channels: number];
