// The whole way, from training runs to a nowcaster and what it saves, in one call. It only calls the stages, one after
// another; each of them goes on where it was interrupted.

import { join } from 'node:path';
import { type CollectResult, collect } from '../collect/index.js';
import { buildDataset, type DatasetResult } from '../dataset/index.js';
import type { EngineRequest } from '../engine/engine.js';
import { type EvaluateResult, evaluate, parseMethod } from '../evaluate/index.js';
import { type ExportResult, exportNowcaster } from '../export/index.js';
import { FUNCTION, NUMBER, OBJECT, type OptionTypes, requireOptions, TEXT } from '../optionTypes.js';
import type { NoteListener, ProgressListener } from '../progress.js';
import { type TrainResult, trainNowcaster } from '../train/index.js';
import { PRESETS, type PresetName } from './presets.js';

/** Options of {@link runPipeline}. */
export interface PipelineOptions {
  /** Sizes of the stages. Default `quick`. */
  preset?: PresetName;
  /** Name of the directories under `data` and `weights`. Default: the preset's. */
  name?: string;
  /** Where recordings, samples, checkpoints and results go: `<data>/<name>`. Default `data`. */
  data?: string;
  /** Where the nowcaster goes: `<weights>/<name>`. Default `weights`. */
  weights?: string;
  /** Every draw of every stage comes from it. Default 1. */
  seed?: number;
  /** Compute engine of all stages. Default `auto`. */
  engine?: EngineRequest;
  /** For webgpu: the GPU to use, or a part of its name. Default: the one that the system prefers. */
  adapter?: string;
  /** Worker processes of collect and evaluate. Default: one per core. */
  workers?: number;
  onProgress?: ProgressListener;
  onNote?: NoteListener;
  /** Hears of each stage before it begins. */
  onStage?: (stage: keyof PipelinePaths) => void;
  signal?: AbortSignal;
}

/** The types of {@link PipelineOptions}. */
const PIPELINE_OPTIONS: OptionTypes<PipelineOptions> = {
  preset: TEXT,
  name: TEXT,
  data: TEXT,
  weights: TEXT,
  seed: NUMBER,
  engine: TEXT,
  adapter: TEXT,
  workers: NUMBER,
  onProgress: FUNCTION,
  onNote: FUNCTION,
  onStage: FUNCTION,
  signal: OBJECT,
};

/** Where each stage writes. */
export interface PipelinePaths {
  collect: string;
  dataset: string;
  train: string;
  export: string;
  evaluate: string;
}

/** Result of {@link runPipeline}: what each stage returned. */
export interface PipelineResult {
  paths: PipelinePaths;
  collect: CollectResult;
  dataset: DatasetResult;
  train: TrainResult;
  export: ExportResult;
  evaluate: EvaluateResult;
  /** Wall-clock time of each stage. */
  seconds: Record<keyof PipelinePaths, number>;
}

/** The directories of a pipeline's stages. */
function pipelinePaths({ preset = 'quick', name = preset, data = 'data', weights = 'weights' }: PipelineOptions) {
  return {
    collect: join(data, name, 'trajectories'),
    dataset: join(data, name, 'samples'),
    train: join(data, name, 'training'),
    export: join(weights, name),
    evaluate: join(data, name, 'evaluation'),
  } satisfies PipelinePaths;
}

/**
 * Records training runs, builds samples, trains and exports a nowcaster and measures what it saves on a task. Called
 * again with the same options it keeps what is whole and does the rest.
 *
 * @throws the stages' errors; `signal.reason` when aborted.
 */
export async function runPipeline(options: PipelineOptions = {}): Promise<PipelineResult> {
  requireOptions('runPipeline', options, PIPELINE_OPTIONS);
  const { preset = 'quick', seed = 1, engine = 'auto', adapter, workers, onProgress, onNote, signal } = options;
  const sizes = PRESETS[preset];
  const paths = pipelinePaths(options);
  const shared = { engine, adapter, onProgress, onNote, signal };
  const seconds = { collect: 0, dataset: 0, train: 0, export: 0, evaluate: 0 };
  const stage = async <T>(name: keyof PipelinePaths, work: () => Promise<T>): Promise<T> => {
    signal?.throwIfAborted();
    options.onStage?.(name);
    const begin = performance.now();
    const result = await work();
    seconds[name] = (performance.now() - begin) / 1000;
    return result;
  };

  const collected = await stage('collect', () =>
    collect({ ...shared, ...sizes.collect, store: paths.collect, seed, workers }),
  );
  const dataset = await stage('dataset', () =>
    buildDataset({
      onProgress,
      onNote,
      signal,
      ...sizes.dataset,
      stores: paths.collect,
      out: paths.dataset,
      seed,
      reuse: true,
    }),
  );
  const trained = await stage('train', () =>
    trainNowcaster({ ...shared, ...sizes.train, samples: paths.dataset, out: paths.train, seed, resume: 'matching' }),
  );
  const exported = await stage('export', () =>
    exportNowcaster({ from: paths.train, to: paths.export, overwrite: true }),
  );
  const evaluated = await stage('evaluate', () =>
    evaluate({
      ...shared,
      ...sizes.evaluate,
      workers,
      out: paths.evaluate,
      methods: ['linear', `nowcaster:nowcaster=${paths.export}`].map(parseMethod),
    }),
  );
  return { paths, collect: collected, dataset, train: trained, export: exported, evaluate: evaluated, seconds };
}
