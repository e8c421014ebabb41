// `wnn run`: the whole pipeline with one line.

import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { CommandModule } from 'yargs';
import type { EngineRequest } from '../engine/engine.js';
import { TRAINED_KINDS } from '../nowcaster/spec.js';
import { type PipelinePaths, type PipelineResult, runPipeline } from '../pipeline/index.js';
import { PRESET_NAMES, PRESETS, type PresetName } from '../pipeline/presets.js';
import { quantity } from '../quantity.js';
import { evaluationText } from './evaluationText.js';
import { formatBytes, formatCount, formatDuration } from './format.js';
import { ADAPTER, ENGINE, WORKERS } from './sharedOptions.js';
import { stageOptions } from './stageOptions.js';
import { formatTable } from './table.js';
import { type GlobalArguments, interruptSignal, openTerminal, printResult } from './terminal.js';

interface RunArguments extends GlobalArguments {
  preset: PresetName;
  name?: string;
  data: string;
  weights: string;
  seed: number;
  engine: EngineRequest;
  adapter?: string;
  workers?: number;
}

const STAGES: Record<keyof PipelinePaths, string> = {
  collect: 'record training runs',
  dataset: 'build samples',
  train: 'train the nowcasters',
  export: 'export them',
  evaluate: 'train with and without them',
};

/** All files below a directory, with their sizes, in order. */
function listFiles(directory: string): { path: string; bytes: number }[] {
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((path) => ({ path, bytes: statSync(path).size }));
}

function describeErrors({ train }: PipelineResult): string {
  const rows = TRAINED_KINDS.flatMap((kind) => {
    const training = train.record.kinds[kind];
    if (training === undefined) return [];
    const { noChange, linear, network } = training.validation;
    return [
      [kind, formatCount(training.trainSamples), ...[noChange, linear, network].map((error) => error.toFixed(4))],
    ];
  });
  return formatTable(['kind', 'samples', 'no change', 'linear', 'nowcaster'], rows);
}

function describe(result: PipelineResult): string {
  const total = Object.values(result.seconds).reduce((sum, seconds) => sum + seconds, 0);
  const lines = ['Forecast error on held-out runs (mean absolute, in normalized units):', '', describeErrors(result)];
  lines.push('', 'Training with and without them:', '', evaluationText(result.evaluate));
  lines.push('', 'Files:', '');
  for (const stage of Object.keys(STAGES) as (keyof PipelinePaths)[]) {
    const files = listFiles(result.paths[stage]);
    const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
    lines.push(
      `${result.paths[stage]}/  ${quantity(files.length, 'file')}, ${formatBytes(bytes)}, ${formatDuration(result.seconds[stage])}`,
    );
    for (const file of files) lines.push(`  ${file.path.slice(result.paths[stage].length + 1)}`);
  }
  lines.push('', `Done in ${formatDuration(total)}. In your own training:`, '');
  lines.push(`  import { WeightForecasting } from 'weight-nowcaster/callback';`);
  lines.push(`  model.fit(x, y, { callbacks: [await WeightForecasting.load('${result.paths.export}')] });`);
  return lines.join('\n');
}

export const runCommand: CommandModule<object, RunArguments> = {
  command: 'run',
  describe: 'run all stages: record runs, build samples, train, export, evaluate',
  builder: (yargs) =>
    yargs
      .option('preset', {
        choices: PRESET_NAMES,
        default: 'quick' as PresetName,
        describe: PRESET_NAMES.map((name) => `${name}: ${PRESETS[name].describe}`).join('. '),
      })
      .option('name', { type: 'string', describe: 'name under data/ and weights/ [default: the preset]' })
      .option('data', { type: 'string', default: 'data', describe: 'where recordings, samples and results go' })
      .option('weights', { type: 'string', default: 'weights', describe: 'where the nowcaster goes' })
      .option('seed', { type: 'number', default: 1, describe: 'every draw comes from it' })
      .option('engine', ENGINE)
      .option('adapter', ADAPTER)
      .option('workers', WORKERS)
      .example('$0 run', 'the quick preset; the same command resumes it')
      .example('$0 run --preset tiny --data /tmp/d --weights /tmp/w', 'does every stage run here?'),
  handler: async (argv) => {
    const { json: _json, quiet: _quiet, ...options } = argv;
    const terminal = openTerminal(argv);
    let result: PipelineResult;
    try {
      let number = 0;
      const stages = Object.keys(STAGES).length;
      result = await runPipeline({
        ...stageOptions(options),
        onProgress: terminal.progress,
        onNote: terminal.note,
        onStage: (stage) => terminal.note(`[${++number}/${stages}] ${STAGES[stage]}`),
        signal: interruptSignal(terminal),
      });
    } finally {
      terminal.close();
    }
    printResult(argv, result, () => describe(result));
  },
};
