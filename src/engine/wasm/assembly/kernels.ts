// The training kernels that go into the binary. They work on the memory of tfjs-backend-wasm, hold no data of their own,
// and take addresses in bytes and sizes in elements.

export { attention, attentionGradient } from './attention';
export { batchNorm, batchNormGradient } from './batchNorm';
export { depthwiseFilterGradient, depthwiseInputGradient } from './depthwiseGradients';
export { filterGradient } from './filterGradient';
export { gelu, geluGradient } from './gelu';
export { layerNorm, layerNormGradient } from './layerNorm';
export { maxPoolGradient } from './maxPoolGradient';
export { sumRows } from './sums';
