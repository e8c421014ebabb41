// `weight-nowcaster/extend`: what a module of your own calls to add families, inputs, architectures, datasets, suites, importers
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
export type { DataSource, Download } from './tasks/dataSource.js';
export { registerDataSource } from './tasks/dataset.js';
export { ImageExamples } from './tasks/images.js';
export { ACCURACY, type Metric, PERPLEXITY } from './tasks/metric.js';
export { registerSuite, type Suite, type SuiteEntry } from './tasks/suites/index.js';
export type { Examples } from './tasks/taskData.js';
export { TextExamples } from './tasks/text.js';
export { type Unpack, unpackDeb, unpackTarGz } from './tasks/unpack.js';
export { registerWindowInput } from './windows/inputs/index.js';
export type { WindowBlock, WindowInput } from './windows/inputs/input.js';
export type { Architecture } from './zoo/architecture.js';
export { registerArchitecture } from './zoo/index.js';
