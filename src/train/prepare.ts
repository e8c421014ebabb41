// Prepares a training: finds the samples, the settings and the files of an earlier training. Only reads; computes and writes
// nothing.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InsufficientDataError, MismatchError, UsageError, WnnError } from '../errors.js';
import { readJsonFile } from '../formats/json.js';
import type { NowcasterSpec } from '../network/spec.js';
import { checkTrainingRecord } from '../nowcaster/checkTraining.js';
import { NOWCASTER_MANIFEST_NAME } from '../nowcaster/nowcaster.js';
import {
  completeConfig,
  familyProblem,
  inputsOf,
  kindsProblem,
  networkOf,
  sameSpec,
  sortKinds,
  specProblem,
  TRAINED_KINDS,
  type TrainedKind,
} from '../nowcaster/spec.js';
import { TRAINING_RECORD_NAME, type TrainingRecord, type TrainingSettings } from '../nowcaster/trainingRecord.js';
import { requireOptions } from '../optionTypes.js';
import { DATASET_MANIFEST, type DatasetManifest, readDatasetManifest, sampledKinds } from '../samples/index.js';
import { hashBytes, readCheckpoint, type TrainingIdentity, type TrainingState } from './checkpoint.js';
import {
  checkChoices,
  planMemory,
  resolveSettings,
  type SampleExtent,
  TRAIN_OPTIONS,
  type TrainOptions,
} from './options.js';
import { openShards, type SampleShards } from './sampleShards.js';
import { CHECKPOINT_NAME } from './trainKind.js';

/** The plan for training one kind. */
export interface KindPlan {
  kind: TrainedKind;
  trainSamples: number;
  validationSamples: number;
  stepsPerEpoch: number;
  settings: TrainingSettings;
  /** Step to resume at; 0 for a new training; the last step (at most `settings.plannedSteps`) if it has ended. */
  step: number;
  /** Whether nothing is left to do. */
  ended: boolean;
  /** Maximum bytes of samples in memory. */
  sampleBytes: number;
}

/** A kind and everything that is known of it before training. */
export interface PreparedKind extends KindPlan {
  train: SampleShards;
  validation: SampleShards;
  validationResident: boolean;
  identity: TrainingIdentity;
  /** Where to go on from. */
  state: TrainingState | null;
  /** Whether to remove the files of an earlier training. */
  discards: boolean;
}

/** Everything that is known before training. */
export interface PreparedTraining {
  manifest: DatasetManifest;
  datasetHash: string;
  spec: NowcasterSpec;
  kinds: PreparedKind[];
  recordPath: string;
  /** The kinds in the existing record with the same spec and samples, without those that start over. */
  earlier: TrainingRecord['kinds'];
  /** Whether the existing record has more than `earlier`. */
  discardsRecord: boolean;
}

function resolveSpec(options: TrainOptions, manifest: DatasetManifest): NowcasterSpec {
  const { inputLength, horizons, normalization, inputs } = manifest;
  const { family = manifest.family, config, residual = true } = options;
  const fail = (what: string, where: string) => new UsageError({ what, where, remedy: 'change the option' });
  const unknown = familyProblem(family);
  if (unknown !== null) throw fail(unknown, '--family');
  const spec = { family, inputLength, horizons, normalization, residual, config: completeConfig(family, config) };
  const problem = specProblem(spec);
  if (problem !== null) throw fail(problem, '--config');
  const missing = inputsOf(family).filter((name) => !inputs.includes(name));
  if (missing.length > 0)
    throw new MismatchError({
      what: `samples without ${missing.join(', ')}, which family ${family} takes`,
      where: join(options.samples, DATASET_MANIFEST),
      remedy: `build them with wnn dataset --family ${family}`,
    });
  return spec;
}

/** Kinds that the samples were to have and of which no run has a tensor. */
export function kindsWithoutTensors({ kinds }: DatasetManifest): TrainedKind[] {
  return TRAINED_KINDS.filter((kind) => kinds[kind]?.tensors === 0);
}

/** Whether the runs have tensors of a kind at all; says so where they have none. */
function hasTensors(kind: TrainedKind, manifest: DatasetManifest, { onNote }: TrainOptions): boolean {
  if (!kindsWithoutTensors(manifest).includes(kind)) return true;
  onNote?.(`no network for ${kind}: the runs have no tensors of this kind`);
  return false;
}

function checkKinds(kinds: readonly TrainedKind[]): void {
  const problem = kindsProblem(kinds);
  if (problem !== null)
    throw new UsageError({ what: problem, where: '--kind', remedy: `use ${TRAINED_KINDS.join(', ')}` });
}

function readRecord(path: string): TrainingRecord | null {
  if (!existsSync(path)) return null;
  const remedy = 'give --restart to start over, or another --out';
  return checkTrainingRecord(readJsonFile(path, { missing: { what: 'no training record', remedy }, remedy }), path);
}

/** The state to resume from, null if there is none, or `discard` if the existing files are to be removed. */
function findState(path: string, identity: TrainingIdentity, { resume, onNote }: TrainOptions) {
  if (resume === false) return 'discard';
  try {
    return readCheckpoint(path, identity);
  } catch (error) {
    if (resume !== 'matching' || !(error instanceof WnnError)) throw error;
    onNote?.(`${identity.kind} starts over: ${error.what}`);
    return 'discard';
  }
}

/** The kinds of an existing record, or `discard` if it belongs to another training and is to be removed. */
function findEarlier(
  path: string,
  spec: NowcasterSpec,
  dataset: string,
  { resume = true }: TrainOptions,
): TrainingRecord['kinds'] | 'discard' {
  try {
    const record = readRecord(path);
    if (record && !(sameSpec(record.spec, spec) && record.dataset.sha256 === dataset))
      throw new MismatchError({
        what: 'record of a training with another spec or other samples',
        where: path,
        remedy: 'give --restart to start over, or another --out',
      });
    return record?.kinds ?? {};
  } catch (error) {
    if (resume === true || !(error instanceof WnnError)) throw error;
    return 'discard';
  }
}

function prepareKind(
  kind: TrainedKind,
  options: TrainOptions,
  manifest: DatasetManifest,
  spec: NowcasterSpec,
  dataset: string,
): PreparedKind {
  const train = openShards(options.samples, manifest, kind, 'train', spec, options.clipTarget);
  const validation = openShards(options.samples, manifest, kind, 'val', spec);
  const hasSamples = (other: TrainedKind) =>
    Object.values(manifest.kinds[other]?.splits ?? [{ samples: 0 }]).every(({ samples }) => samples > 0);
  const others = TRAINED_KINDS.filter((other) => other !== kind && hasSamples(other));
  const hasValidation = Object.values(manifest.kinds).some(({ splits }) => splits.val.samples > 0);
  for (const [name, shards] of [
    ['training', train],
    ['validation', validation],
  ] as const)
    if (shards.total === 0)
      throw new InsufficientDataError({
        what: `no ${name} samples of kind ${kind}`,
        where: join(options.samples, DATASET_MANIFEST),
        remedy: hasValidation
          ? `record more runs whose networks have ${kind} tensors${others.length > 0 ? `, or train the others: --kind ${others.join(',')}` : ''}`
          : 'no run was kept for validation: record another one, and build the samples again with `wnn dataset`',
      });
  const network = networkOf(spec);
  const extent: SampleExtent = {
    trainSamples: train.total,
    validationSamples: validation.total,
    largestShard: {
      rows: Math.max(...train.rows, ...validation.rows),
      bytes: Math.max(train.largestFile, validation.largestFile),
    },
    width: network.inputWidth + network.outputWidth,
  };
  const settings = resolveSettings(options, extent, network.penalties);
  const memory = planMemory(extent, options.memory);
  const identity: TrainingIdentity = { kind, spec, dataset, settings };
  const found = findState(join(options.out, kind, CHECKPOINT_NAME), identity, options);
  const state = found === 'discard' ? null : found;
  return {
    kind,
    trainSamples: train.total,
    validationSamples: validation.total,
    stepsPerEpoch: Math.ceil(train.total / settings.batchSize),
    settings,
    step: state?.step ?? 0,
    ended: state !== null && state.ended !== null,
    sampleBytes: memory.bytes,
    train,
    validation,
    validationResident: memory.validationResident,
    identity,
    state,
    discards: found === 'discard',
  };
}

/**
 * Checks, before anything is computed or written, whether the training can start.
 *
 * @throws what {@link trainNowcaster} throws before it starts.
 */
export function prepareTraining(options: TrainOptions): PreparedTraining {
  requireOptions('trainNowcaster', options, TRAIN_OPTIONS);
  checkChoices(options);
  if (options.kinds !== undefined) checkKinds(options.kinds);
  const manifest = readDatasetManifest(options.samples);
  if (existsSync(join(options.out, NOWCASTER_MANIFEST_NAME)))
    throw new UsageError({
      what: 'holds a nowcaster that wnn export made, beside which a training would be taken for it',
      where: options.out,
      remedy: 'give another --out',
    });
  const kinds = sortKinds(
    options.kinds ?? sampledKinds(manifest).filter((kind) => hasTensors(kind, manifest, options)),
  );
  const spec = resolveSpec(options, manifest);
  const datasetHash = hashBytes(readFileSync(join(options.samples, DATASET_MANIFEST)));
  const prepared = kinds.map((kind) => prepareKind(kind, options, manifest, spec, datasetHash));
  const recordPath = join(options.out, TRAINING_RECORD_NAME);
  const found = findEarlier(recordPath, spec, datasetHash, options);
  const earlier: TrainingRecord['kinds'] = found === 'discard' ? {} : { ...found };
  for (const { kind, discards } of prepared) if (discards) delete earlier[kind];
  const discardsRecord = found === 'discard' || Object.keys(found).length > Object.keys(earlier).length;
  return { manifest, datasetHash, spec, kinds: prepared, recordPath, earlier, discardsRecord };
}
