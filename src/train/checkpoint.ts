// checkpoint.safetensors: everything that the rest of a kind's training depends on. Training resumed from it gives
// the same bytes as training that was never stopped.

import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { writeFileAtomic } from '../atomic.js';
import { CorruptFileError, MismatchError, MissingFileError, SchemaVersionError } from '../errors.js';
import { parseJson } from '../formats/parseJson.js';
import {
  decodeSafetensors,
  encodeSafetensors,
  float32OfTensor,
  type SafeTensor,
  type SafetensorsFile,
  tensorOfFloat32,
} from '../formats/safetensors.js';
import type { NowcasterSpec } from '../network/spec.js';
import { networkOf, type TrainedKind } from '../nowcaster/spec.js';
import type { TrainingSettings } from '../nowcaster/trainingRecord.js';
import type { AdamState } from './adam.js';
import type { BaselineErrors, HorizonMeans } from './validation.js';

/** Version of the checkpoint's content. */
const CHECKPOINT_SCHEMA_VERSION = 2;
const FORMAT = 'wnn-checkpoint';

/** Identifies the training of a checkpoint. Training resumes only if all fields match. */
export interface TrainingIdentity {
  kind: TrainedKind;
  spec: NowcasterSpec;
  /** SHA-256 of `dataset.json`, hex. */
  dataset: string;
  settings: TrainingSettings;
}

/** Parameters and the state of the optimizer. */
export interface OptimizerState {
  parameters: Float32Array;
  adam: AdamState;
}

/** The best state so far. */
export interface BestState {
  parameters: Float32Array;
  step: number;
  trainLoss: number;
  /** Held-out errors, and the mean in normalized units over the horizons. */
  errors: HorizonMeans;
  error: number;
}

/** Sums over the steps since the last validation. */
export interface RunningSums {
  /** Data loss times samples, and the samples. */
  loss: number;
  samples: number;
  penalty: number;
  gradientNorm: number;
  steps: number;
}

/** The whole state of a kind's training. */
export interface TrainingState {
  /** Batches used; the next one is this step's. */
  step: number;
  /** Name of the engine that made the last steps. */
  engine: string;
  current: OptimizerState;
  /** The state at the last validation (or the start), restored by a rollback. */
  good: OptimizerState;
  best: BestState | null;
  baselines: BaselineErrors;
  /** Validations since the best one. */
  withoutImprovement: number;
  /** Factor on the learning rate schedule; halved at each rollback. */
  rateFactor: number;
  rollbacks: number;
  /** Rollbacks since the last validation. */
  rollbacksInARow: number;
  sums: RunningSums;
  metricsBytes: number;
  /** Planned steps of the trainings that this one prolongs, ascending. */
  prolonged: number[];
  ended: 'planned' | 'early' | null;
}

/** The numbers of a {@link TrainingState}, as the metadata holds them. */
interface StateNumbers extends Omit<TrainingState, 'current' | 'good' | 'best'> {
  adamSteps: number;
  /** Null if the good state is the current one. */
  goodAdamSteps: number | null;
  best: Omit<BestState, 'parameters'> | null;
}

/** A copy that further steps do not change. */
export function copyOptimizerState({ parameters, adam }: OptimizerState): OptimizerState {
  return {
    parameters: parameters.slice(),
    adam: { steps: adam.steps, first: adam.first.slice(), second: adam.second.slice() },
  };
}

/** Encodes a checkpoint. The same state gives the same bytes. */
function encodeCheckpoint(identity: TrainingIdentity, state: TrainingState): Uint8Array {
  const { current, good, best, ...rest } = state;
  const arrays: Record<string, Float32Array> = {};
  const put = (prefix: string, { parameters, adam }: OptimizerState) => {
    arrays[`${prefix}parameters`] = parameters;
    arrays[`${prefix}first`] = adam.first;
    arrays[`${prefix}second`] = adam.second;
  };
  put('', current);
  // Without steps since the last validation the good state is the current one.
  const storesGood = state.sums.steps > 0;
  if (storesGood) put('good/', good);
  if (best) arrays['best/parameters'] = best.parameters;
  const { parameters: _, ...bestNumbers } = best ?? { parameters: undefined };
  const numbers = {
    ...rest,
    adamSteps: current.adam.steps,
    goodAdamSteps: storesGood ? good.adam.steps : null,
    best: best && bestNumbers,
  } as StateNumbers;
  const tensors: Record<string, SafeTensor> = {};
  for (const [name, array] of Object.entries(arrays)) tensors[name] = tensorOfFloat32([array.length], array);
  const texts = { identity: JSON.stringify(identity), state: JSON.stringify(numbers) };
  return encodeSafetensors(tensors, {
    format: FORMAT,
    schemaVersion: String(CHECKPOINT_SCHEMA_VERSION),
    ...texts,
    sha256: hashContent(texts, tensors),
  });
}

/** SHA-256 of the content of a checkpoint, to detect damage. */
function hashContent(texts: { identity: string; state: string }, tensors: Record<string, SafeTensor>): string {
  const hash = createHash('sha256').update(`${texts.identity}\n${texts.state}\n`);
  for (const [name, { data }] of Object.entries(tensors)) hash.update(`${name}\n`).update(data);
  return hash.digest('hex');
}

const START_OVER = 'give --restart to start over, or another --out';

/** What a user gave for fields of a training's settings that are derived from it. */
const OPTIONS_OF: Readonly<Record<string, string>> = {
  plannedSteps: 'the number of steps (--epochs, --steps)',
  shuffledTogether: 'the number of samples in memory (--memory-mib)',
};

/** Differences between two flat objects, in words; null when there are none. */
function describeDifference(saved: object, wanted: object): string | null {
  const values = saved as Record<string, unknown>;
  for (const [name, value] of Object.entries(wanted)) {
    // Fields that an older checkpoint lacks did not exist as options: null.
    const [has, needs] = [JSON.stringify(values[name] ?? null), JSON.stringify(value)];
    if (has !== needs) return `${OPTIONS_OF[name] ?? name} is ${has} there, ${needs} here`;
  }
  return null;
}

/**
 * Decodes a checkpoint of the given training. If all its planned steps are done and more are requested, the training is prolonged:
 * from there on, the learning rate is that of a training of the new length.
 *
 * @throws {@link MismatchError} when it is of another spec, dataset or settings; {@link CorruptFileError} and
 *   {@link SchemaVersionError} when it cannot be read.
 */
function decodeCheckpoint(bytes: Uint8Array, fileName: string, identity: TrainingIdentity): TrainingState {
  const corrupt = (what: string, cause?: unknown) =>
    new CorruptFileError({ what, where: fileName, remedy: START_OVER, cause });
  let file: SafetensorsFile;
  try {
    file = decodeSafetensors(bytes, fileName);
  } catch (error) {
    throw error instanceof CorruptFileError ? corrupt(error.what, error) : error;
  }
  const { tensors, metadata } = file;
  if (metadata.format !== FORMAT) throw corrupt('not a checkpoint of this toolkit');
  if (metadata.schemaVersion !== String(CHECKPOINT_SCHEMA_VERSION))
    throw new SchemaVersionError({
      what: `checkpoint of schema version ${metadata.schemaVersion}, this toolkit reads ${CHECKPOINT_SCHEMA_VERSION}`,
      where: fileName,
      remedy: START_OVER,
    });
  const { identity: identityText = '', state: stateText = '' } = metadata;
  if (metadata.sha256 !== hashContent({ identity: identityText, state: stateText }, tensors))
    throw corrupt('damaged checkpoint');
  let saved: TrainingIdentity;
  let numbers: StateNumbers;
  try {
    saved = parseJson(identityText) as TrainingIdentity;
    numbers = parseJson(stateText) as StateNumbers;
  } catch (cause) {
    throw corrupt('checkpoint with unreadable metadata', cause);
  }
  const before = saved.settings.plannedSteps;
  // One that ended early, for want of improvement, has ended: more steps were there to be used.
  const prolongs = numbers.ended === 'planned' && identity.settings.plannedSteps > before;
  const difference =
    describeDifference(saved.spec, identity.spec) ??
    (saved.dataset === identity.dataset ? null : 'it was trained on other samples') ??
    describeDifference(saved.settings, { ...identity.settings, ...(prolongs && { plannedSteps: before }) }) ??
    describeDifference({ kind: saved.kind }, { kind: identity.kind });
  if (difference !== null)
    throw new MismatchError({
      what: `checkpoint of another training (${difference})`,
      where: fileName,
      remedy: START_OVER,
    });
  const { size } = networkOf(identity.spec);
  const take = (name: string): Float32Array => {
    const tensor = tensors[name];
    if (tensor?.shape.join() !== String(size)) throw corrupt(`checkpoint without a whole ${name}`);
    return float32OfTensor(tensor);
  };
  const takeState = (prefix: string, steps: number): OptimizerState => ({
    parameters: take(`${prefix}parameters`),
    adam: { steps, first: take(`${prefix}first`), second: take(`${prefix}second`) },
  });
  const { adamSteps, goodAdamSteps, best, ...rest } = numbers;
  const current = takeState('', adamSteps);
  return {
    ...rest,
    ...(prolongs && { ended: null, prolonged: [...rest.prolonged, before] }),
    current,
    good: goodAdamSteps === null ? copyOptimizerState(current) : takeState('good/', goodAdamSteps),
    best: best && { ...best, parameters: take('best/parameters') },
  };
}

/** Reads the checkpoint of a training, or null when there is none. @throws as {@link decodeCheckpoint} */
export function readCheckpoint(path: string, identity: TrainingIdentity): TrainingState | null {
  if (!existsSync(path)) return null;
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    throw new MissingFileError({ what: 'checkpoint cannot be read', where: path, remedy: START_OVER, cause });
  }
  return decodeCheckpoint(bytes, path, identity);
}

/** Replaces the previous checkpoint, which is kept if the disk is full. @throws WriteError */
export function writeCheckpoint(path: string, identity: TrainingIdentity, state: TrainingState): void {
  writeFileAtomic(path, encodeCheckpoint(identity, state));
}

/** SHA-256 in hex. */
export function hashBytes(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
