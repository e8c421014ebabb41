// How large images are.

/** [height, width, channels] of an image. */
export type ImageShape = readonly [height: number, width: number, channels: number];
