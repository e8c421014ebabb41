// Samples on disk, the meeting point of the dataset stage (writes) and the train stage (reads).

export { DATASET_MANIFEST, readDatasetManifest, sampledKinds, summaryOf } from './manifest.js';
export * from './schema.js';
export { checkShardSize, openSamples, readShard, type ShardExpectation } from './shardReader.js';
export { type SampleColumns, ShardWriter } from './shardWriter.js';
