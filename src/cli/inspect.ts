// `wnn inspect PATH`: says what any of the toolkit's files or directories is.

import type { CommandModule } from 'yargs';
import { REPORT_NAME } from '../evaluation/reportFile.js';
import { readH5 } from '../export/index.js';
import { type Inspection, inspectPath, type RunSummary } from '../inspect/index.js';
import type { WindowSpec } from '../network/spec.js';
import { KIND_FILE_NAMES, TRAINED_KINDS } from '../nowcaster/spec.js';
import { countSnapshots, describeCadence } from '../trajectory/cadence.js';
import { evaluationText } from './evaluationText.js';
import { formatBytes, formatCount } from './format.js';
import { formatTable } from './table.js';
import { type GlobalArguments, printResult } from './terminal.js';

interface InspectArguments extends GlobalArguments {
  path: string;
}

type Of<T extends Inspection['type']> = Extract<Inspection, { type: T }>;

const percent = (value: number | null | undefined) =>
  typeof value === 'number' ? `${(100 * value).toFixed(1)}%` : '-';
const figure = (value: number | null | undefined) => (typeof value === 'number' ? value.toPrecision(3) : '-');
const describeSpec = ({ inputLength, horizons, normalization }: WindowSpec) =>
  `${inputLength} snapshots in, ${horizons.join(', ')} ahead${normalization === 'none' ? ', not normalized' : ''}`;

function describeStore({ path, runs, counts, snapshots, bytes }: Of<'store'>): string {
  const rows = runs.map((run) => [
    run.id,
    run.task ?? '-',
    run.architecture ?? '-',
    run.status,
    countRecorded(run, '/'),
    formatCount(run.parameters),
    figure(run.finalMetrics.loss),
    percent(run.finalMetrics.val_acc ?? run.finalMetrics.acc),
    formatBytes(run.bytes),
  ]);
  const header = ['run', 'task', 'architecture', 'status', 'snapshots', 'parameters', 'loss', 'accuracy', 'size'];
  const statuses = Object.entries(counts).map(([status, count]) => `${formatCount(count)} ${status}`);
  const cadences = [...new Set(runs.map(({ cadence }) => describeCadence(cadence)))].sort();
  const counted = `${formatCount(snapshots)} snapshots (${cadences.join(', ')})`;
  const total = `${formatCount(runs.length)} runs (${statuses.join(', ')}), ${counted}, ${formatBytes(bytes)}`;
  return `${path}: trajectory store\n\n${formatTable(header, rows, 4)}\n\n${total}`;
}

/** Snapshots of a run, with how many its plan asks for where that follows from its epochs and their steps. */
function countRecorded({ snapshots, cadence, epochsPlanned: epochs, stepsPerEpoch }: RunSummary, of: string): string {
  if (epochs === null || (cadence.unit === 'step' && stepsPerEpoch === null)) return formatCount(snapshots);
  return `${snapshots}${of}${countSnapshots(cadence, { epochs, steps: epochs * (stepsPerEpoch ?? 0) })}`;
}

function describeOptimizer({ name, ...settings }: NonNullable<RunSummary['optimizer']>): string {
  return [name, ...Object.entries(settings).map(([setting, value]) => `${setting} ${value}`)].join(', ');
}

function describeRun({ path, run, manifest }: Of<'run'>): string {
  const isImported = manifest.tensors.some(({ kindBy }) => kindBy !== undefined);
  const settings = (values: object) =>
    Object.entries(values)
      .map(([name, value]) => `${name} ${value}`)
      .join(', ') || '-';
  const kinds = Object.entries(run.parametersByKind).map(([kind, count]) => `${formatCount(count)} ${kind}`);
  const lines: [string, string][] = [
    ['status', run.reason === null ? run.status : `${run.status}: ${run.reason}`],
    ['source', `${run.source}, toolkit ${manifest.toolkitVersion}, engine ${manifest.engine ?? '-'}`],
    ['task', `${run.task ?? '-'}, architecture ${run.architecture ?? '-'}, seed ${manifest.seed ?? '-'}`],
    ['optimizer', run.optimizer === null ? '-' : describeOptimizer(run.optimizer)],
    ['settings', settings(manifest.hyperparameters)],
    ['snapshots', `${countRecorded(run, ' of ')}, ${describeCadence(run.cadence)}`],
    ['parameters', `${formatCount(run.parameters)}: ${kinds.join(', ')}`],
    ...(manifest.scalarsPerTensor === undefined
      ? []
      : ([['recorded', describeSampling(run, manifest.scalarsPerTensor)]] satisfies [string, string][])),
    ['last one', describeMetrics(run)],
    ['size', formatBytes(run.bytes)],
  ];
  const tensors = manifest.tensors.map(({ name, kind, kindBy, shape, sampledFrom }) => [
    name,
    kind,
    ...(isImported ? [kindBy ?? '-'] : []),
    (sampledFrom ?? shape).join(' x ') || '1',
  ]);
  const head = lines.map(([name, value]) => `${name.padEnd(10)}  ${value}`).join('\n');
  return `${path}: run ${run.id}\n\n${head}\n\n${formatTable(['tensor', 'kind', ...(isImported ? ['decided by'] : []), 'shape'], tensors, isImported ? 3 : 2)}`;
}

function describeSampling({ recorded }: RunSummary, scalarsPerTensor: number): string {
  return `${formatCount(recorded)} of them, ${formatCount(scalarsPerTensor)} of each larger tensor, with statistics of all`;
}

function describeMetrics({ finalMetrics }: RunSummary): string {
  const metrics = Object.entries(finalMetrics).map(([name, value]) => `${name} ${figure(value)}`);
  return metrics.join(', ') || '-';
}

function describeSamples({ path, manifest, bytes }: Of<'samples'>): string {
  const rows = Object.entries(manifest.kinds).map(([kind, { tensors, seen, samples, splits }]) => {
    return [kind, ...[tensors, seen, samples, splits.train.samples, splits.val.samples].map(formatCount)];
  });
  const header = ['kind', 'tensors', 'windows', 'samples', 'training', 'validation'];
  const runs = (split: string) => formatCount(manifest.runs.filter((run) => run.split === split).length);
  return `${path}: samples, ${describeSpec(manifest)}, snapshots ${describeCadence(manifest.cadence)}

${formatTable(header, rows)}

from ${runs('train')} runs for training and ${runs('val')} for validation, seed ${manifest.seed}, ${formatBytes(bytes)}`;
}

function describeTraining({ path, record, unfinished, bytes }: Of<'training'>): string {
  const header = ['kind', 'samples', 'steps', 'best epoch', 'no change', 'linear', 'WNN', 'ended'];
  const rows = TRAINED_KINDS.flatMap((kind) => {
    const training = record.kinds[kind];
    if (training === undefined) return [];
    const { noChange, linear, network } = training.validation;
    const counts = [formatCount(training.trainSamples), formatCount(training.steps), training.bestEpoch.toFixed(1)];
    return [[kind, ...counts, figure(noChange), figure(linear), figure(network), training.ended]];
  });
  return `${path}: training of a nowcaster, ${describeSpec(record.spec)}

${formatTable(header, rows)}

${unfinished.map((kind) => `${kind} has not ended: the same wnn train goes on with it, wnn export --partial takes the best so far\n`).join('')}mean absolute errors on ${record.dataset.runs.filter(({ split }) => split === 'val').length} held-out runs; ${formatBytes(bytes)}`;
}

function describeNowcaster({ path, manifest, bytes }: Of<'nowcaster'>): string {
  const rows = TRAINED_KINDS.flatMap((kind) => {
    const entry = manifest.kinds[kind];
    if (entry === undefined) return [];
    const errors = entry.training?.validation;
    return [
      [
        KIND_FILE_NAMES[kind],
        Object.keys(entry.files).join(', '),
        figure(errors?.noChange),
        figure(errors?.linear),
        figure(errors?.network),
      ],
    ];
  });
  const runs =
    manifest.dataset === null ? 'weights from elsewhere' : `from ${formatCount(manifest.dataset.runs.length)} runs`;
  const { tag, spec, recommended } = manifest;
  return `${path}: nowcaster "${tag}", ${describeSpec(spec)}, every ${recommended.period} epochs, step scale ${recommended.stepScale}

${formatTable(['network', 'formats', 'no change', 'linear', 'WNN'], rows, 2)}

${runs}, toolkit ${manifest.toolkitVersion}, ${formatBytes(bytes)}`;
}

function describeEvaluation({ path, results, report }: Of<'evaluation'>): string {
  const pages = {
    absent: `no page; \`wnn report ${path}\` makes one`,
    current: `${REPORT_NAME} shows these results`,
    older: `${REPORT_NAME} shows older results; \`wnn report ${path}\` makes it anew`,
  };
  return `${path}: evaluation\n\n${evaluationText(results)}\n\n${pages[report]}`;
}

/** One line of a directory's list. */
function describeBriefly(part: Inspection): string {
  switch (part.type) {
    case 'store':
      return `${formatCount(part.runs.length)} runs, ${formatCount(part.snapshots)} snapshots`;
    case 'run':
      return `${part.run.status}, ${formatCount(part.run.snapshots)} snapshots`;
    case 'samples': {
      const samples = Object.values(part.manifest.kinds).reduce((sum, { samples }) => sum + samples, 0);
      return `${formatCount(samples)} samples from ${formatCount(part.manifest.runs.length)} runs`;
    }
    case 'training':
      return Object.keys(part.record.kinds).join(', ');
    case 'nowcaster':
      return `${part.manifest.tag}: ${Object.keys(part.manifest.kinds).join(', ')}`;
    case 'evaluation':
      return part.results.tasks.map(({ task }) => task).join(', ');
    case 'weights':
      return `${formatCount(part.parameters)} parameters`;
    case 'directory':
      return `${part.parts.length} parts`;
    default:
      return part satisfies never;
  }
}

function describe(inspection: Inspection): string {
  switch (inspection.type) {
    case 'store':
      return describeStore(inspection);
    case 'run':
      return describeRun(inspection);
    case 'samples':
      return describeSamples(inspection);
    case 'training':
      return describeTraining(inspection);
    case 'nowcaster':
      return describeNowcaster(inspection);
    case 'evaluation':
      return describeEvaluation(inspection);
    case 'weights':
      return `${inspection.path}: weights of one network, ${describeSpec(inspection.spec)}; ${formatCount(inspection.parameters)} parameters`;
    case 'directory': {
      const rows = inspection.parts.map((part) => [
        part.path,
        part.type,
        describeBriefly(part),
        formatBytes(part.bytes),
      ]);
      return formatTable(['path', 'what', 'content', 'size'], rows, 3);
    }
    default:
      return inspection satisfies never;
  }
}

/** `wnn inspect`. */
export const inspectCommand: CommandModule<object, InspectArguments> = {
  command: 'inspect <path>',
  describe: 'say what a file or directory of the toolkit is',
  builder: (yargs) =>
    yargs
      .positional('path', {
        type: 'string',
        demandOption: true,
        describe: 'a store, run, samples, training, nowcaster or evaluation, a file of one, or a directory of several',
      })
      .example('wnn inspect data/quick/trajectories', 'table of the runs of a store')
      .example('wnn inspect data/quick --json', 'all that a pipeline made, for programs'),
  handler: async (argv) => {
    const inspection = await inspectPath(argv.path, { readH5 });
    printResult(argv, inspection, () => describe(inspection));
  },
};
