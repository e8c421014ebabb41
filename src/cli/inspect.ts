// `wnn inspect PATH`: says what any of the toolkit's files or directories is.

import type { CommandModule } from 'yargs';
import { listCheckpoint } from '../collect/import/index.js';
import { REPORT_NAME } from '../evaluation/reportFile.js';
import { readH5 } from '../export/index.js';
import { type Checkpoint, type Inspection, inspectPath, MOST_LEVELS, type RunSummary } from '../inspect/index.js';
import type { WindowSpec } from '../network/spec.js';
import { findNowcasterDirectory, SHIPPED_WORD } from '../nowcaster/shippedDirectory.js';
import { KIND_FILE_NAMES, TRAINED_KINDS } from '../nowcaster/spec.js';
import { quantity } from '../quantity.js';
import { countSnapshots, describeCadence } from '../trajectory/cadence.js';
import { countValues } from '../trajectory/manifest.js';
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
  `${quantity(inputLength, 'snapshot')} in, ${horizons.join(', ')} ahead${normalization === 'none' ? ', not normalized' : ''}`;

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
  const counted = `${quantity(snapshots, 'snapshot')} (${cadences.join(', ')})`;
  const total = `${quantity(runs.length, 'run')} (${statuses.join(', ')}), ${counted}, ${formatBytes(bytes)}`;
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
  const runs = (split: string) => manifest.runs.filter((run) => run.split === split).length;
  return `${path}: samples, ${describeSpec(manifest)}, snapshots ${describeCadence(manifest.cadence)}

${formatTable(header, rows)}

from ${quantity(runs('train'), 'run')} for training and ${formatCount(runs('val'))} for validation, seed ${manifest.seed}, ${formatBytes(bytes)}`;
}

function describeTraining({ path, record, unfinished, bytes }: Of<'training'>): string {
  const header = ['kind', 'samples', 'steps', 'best epoch', 'no change', 'linear', 'network', 'ended'];
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
    manifest.dataset === null ? 'weights from elsewhere' : `from ${quantity(manifest.dataset.runs.length, 'run')}`;
  const { tag, spec, cadence, recommended } = manifest;
  return `${path}: nowcaster "${tag}", ${describeSpec(spec)}, a snapshot ${describeCadence(cadence)}, a nowcast every ${quantity(recommended.period, 'snapshot')}, step scale ${recommended.stepScale}

${formatTable(['kind', 'formats', 'no change', 'linear', 'network'], rows, 2)}

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

function describeUnfinished({ path, runs }: Of<'unfinished evaluation'>): string {
  const rows = new Map<string, [task: string, method: string, count: number]>();
  for (const { task, method } of runs) {
    const key = JSON.stringify([task, method.name]);
    rows.set(key, [task, method.name, (rows.get(key)?.[2] ?? 0) + 1]);
  }
  const table = formatTable(
    ['task', 'method', 'finished runs'],
    [...rows.values()].map(([task, method, count]) => [task, method, String(count)]),
    2,
  );
  return `${path}: evaluation that has not finished\n\n${table}\n\nthe same \`wnn evaluate\` does the others`;
}

/** Arrays of a checkpoint that an import leaves out, where there are any. */
function describeLeftOut({ optimizer, notFloat, copies, elsewhere, unreadable }: Checkpoint['leftOut']): string[] {
  const counts: [count: number, what: string][] = [
    [optimizer, "of the optimizer's state"],
    [copies, 'of averaged copies'],
    [notFloat, 'without floats'],
    [elsewhere, 'outside of the network'],
    [unreadable.length, 'of types that are not read'],
  ];
  const parts = counts.flatMap(([count, what]) => (count > 0 ? [`${formatCount(count)} ${what}`] : []));
  return parts.length > 0 ? [`left out: arrays, ${parts.join(', ')}`] : [];
}

/** The command that takes checkpoints. */
function describeImport(path: string, { checkpoints, isTrajectory }: Checkpoint): string {
  if (isTrajectory) return `\`wnn collect import ${path}\` makes a run of it`;
  if (checkpoints > 1) return `\`wnn collect import ${path}\` makes a run of them`;
  return `one checkpoint; \`wnn collect import DIRECTORY\` makes a run of those of every epoch of a training`;
}

function describeCheckpoint({ path, checkpoint, bytes }: Of<'checkpoint'>): string {
  const { format, checkpoints, file, tensors, leftOut, dictionary } = checkpoint;
  const parameters = new Map<string, number>();
  for (const { kind, shape, sampledFrom } of tensors)
    parameters.set(kind, (parameters.get(kind) ?? 0) + countValues(sampledFrom ?? shape));
  const kinds = [...parameters].map(([kind, count]) => `${formatCount(count)} ${kind}`);
  const total = [...parameters.values()].reduce((sum, count) => sum + count, 0);
  const rows = tensors.map(({ name, kind, kindBy, shape, sampledFrom, converted }) => [
    name,
    kind,
    kindBy ?? '-',
    (sampledFrom ?? shape).join(' x ') || '1',
    ...(tensors.some((tensor) => tensor.converted !== undefined) ? [converted === undefined ? '' : 'yes'] : []),
  ]);
  const isConverted = rows.some((row) => row.length > 4);
  const header = ['tensor', 'kind', 'decided by', 'shape in a run', ...(isConverted ? ['axes reordered'] : [])];
  const where = file === path ? '' : `, the first of them ${file}`;
  return [
    `${path}: ${quantity(checkpoints, 'checkpoint')} of format ${format}${where}`,
    '',
    formatTable(header, rows, 3),
    '',
    `${quantity(total, 'parameter')}: ${kinds.join(', ') || '-'}; ${formatBytes(bytes)}`,
    ...(dictionary !== null && dictionary.others.length > 0
      ? [`of ${dictionary.key || 'the top'}; also there: ${dictionary.others.join(', ')} (--key chooses)`]
      : []),
    ...describeLeftOut(leftOut),
    describeImport(path, checkpoint),
  ].join('\n');
}

/** One line of a directory's list. */
function describeBriefly(part: Inspection): string {
  switch (part.type) {
    case 'store':
      return `${quantity(part.runs.length, 'run')}, ${quantity(part.snapshots, 'snapshot')}`;
    case 'run':
      return `${part.run.status}, ${quantity(part.run.snapshots, 'snapshot')}`;
    case 'samples': {
      const samples = Object.values(part.manifest.kinds).reduce((sum, { samples }) => sum + samples, 0);
      return `${quantity(samples, 'sample')} from ${quantity(part.manifest.runs.length, 'run')}`;
    }
    case 'training':
      return Object.keys(part.record.kinds).join(', ');
    case 'nowcaster':
      return `${part.manifest.tag}: ${Object.keys(part.manifest.kinds).join(', ')}`;
    case 'evaluation':
      return part.results.tasks.map(({ task }) => task).join(', ');
    case 'unfinished evaluation':
      return quantity(part.runs.length, 'finished run');
    case 'weights':
      return `${quantity(part.parameters, 'parameter')}`;
    case 'checkpoint':
      return `${quantity(part.checkpoint.checkpoints, 'checkpoint')} of format ${part.checkpoint.format}`;
    case 'directory':
      return quantity(part.parts.length, 'part');
    default:
      return part satisfies never;
  }
}

/** The parts of directories, however deep they lie. */
function leavesOf(parts: readonly Inspection[]): Inspection[] {
  return parts.flatMap((part) => (part.type === 'directory' ? leavesOf(part.parts) : [part]));
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
    case 'unfinished evaluation':
      return describeUnfinished(inspection);
    case 'weights':
      return `${inspection.path}: weights of one network, ${describeSpec(inspection.spec)}; ${quantity(inspection.parameters, 'parameter')}`;
    case 'checkpoint':
      return describeCheckpoint(inspection);
    case 'directory': {
      const rows = leavesOf(inspection.parts).map((part) => [
        part.path,
        part.type,
        describeBriefly(part),
        formatBytes(part.bytes),
      ]);
      return `${formatTable(['path', 'what', 'content', 'size'], rows, 3)}\n\nlooked ${MOST_LEVELS} levels deep`;
    }
    default:
      return inspection satisfies never;
  }
}

/** `wnn inspect`. */
export const inspectCommand: CommandModule<object, InspectArguments> = {
  command: 'inspect <path>',
  describe: 'describe a file or directory of the toolkit, or checkpoints of other frameworks',
  builder: (yargs) =>
    yargs
      .positional('path', {
        type: 'string',
        demandOption: true,
        describe:
          'a store, run, samples, training, nowcaster, evaluation or checkpoint, a file of one, or a directory of several',
      })
      .example('wnn inspect data/quick/trajectories', 'table of the runs of a store')
      .example('wnn inspect checkpoints/epoch_1.pt', 'tensors of a checkpoint, their kinds, and what imports it')
      .example('wnn inspect data/quick --json', 'all that a pipeline made, for programs'),
  handler: async (argv) => {
    const inspection = await inspectPath(argv.path === SHIPPED_WORD ? findNowcasterDirectory(argv.path) : argv.path, {
      readH5,
      listCheckpoint,
    });
    printResult(argv, inspection, () => describe(inspection));
  },
};
