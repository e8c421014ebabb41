// `weight-nowcaster/extend`: what a module of your own calls to add families, inputs, architectures, datasets, importers
// and export formats. See docs/extending.md.

export {
  type CheckpointImporter,
  type FileStart,
  type ListedCheckpoint,
  type ListedTensor,
  registerImporter,
} from './collect/import/index.js';
export type { ExportFormat } from './export/formats/format.js';
export { registerExportFormat } from './export/formats/index.js';
export type { Family } from './families/family.js';
export { registerFamily } from './families/index.js';
export type { Graph, Operation } from './network/graph.js';
export type { FamilyConfig, NowcasterSpec, WindowSpec } from './network/spec.js';
export type { DataSource } from './tasks/dataSource.js';
export { registerDataSource } from './tasks/dataset.js';
export { ImageExamples } from './tasks/images.js';
export type { Examples } from './tasks/taskData.js';
export { registerWindowInput } from './windows/inputs/index.js';
export type { WindowBlock, WindowInput } from './windows/inputs/input.js';
export type { Architecture } from './zoo/architecture.js';
export { registerArchitecture } from './zoo/index.js';
