// The check of a parsed `train.json`, and of what nowcaster.json repeats of it.

import * as v from 'valibot';
import { CorruptFileError } from '../errors.js';
import { requireVersion } from '../formats/json.js';
import { schemaProblem } from '../formats/jsonSchema.js';
import { quoteValue } from '../formats/parseJson.js';
import { cadenceProblem } from '../trajectory/cadence.js';
import { specProblem, TRAINED_KINDS, type TrainedKind } from './spec.js';
import { bestWeightsPath, type KindTraining, TRAINING_SCHEMA_VERSION, type TrainingRecord } from './trainingRecord.js';

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const textOrNull = v.nullable(v.string());
const errors = { noChange: v.number(), linear: v.number(), network: v.number() };

/** What is known of the training of a kind, as `train.json` and `nowcaster.json` hold it. */
export const KIND_TRAINING_SCHEMA = v.looseObject({
  trainSamples: count,
  validationSamples: count,
  steps: count,
  epochs: v.number(),
  bestStep: count,
  bestEpoch: v.number(),
  trainLoss: v.number(),
  validation: v.object(errors),
  rawValidation: v.object(errors),
  horizons: v.array(v.object({ horizon: count, ...errors, raw: v.object(errors) })),
  ended: v.picklist(['planned', 'early']),
  prolonged: v.optional(v.array(count)),
  rollbacks: count,
  weights: v.string(),
  weightsSha256: sha256,
  engine: v.string(),
  settings: v.looseObject({ seed: v.number(), loss: v.string(), batchSize: count, learningRate: v.number() }),
});

/** Where the samples of a training came from. */
export const TRAINING_DATASET_SCHEMA = v.looseObject({
  sha256: v.string(),
  seed: v.number(),
  firstSnapshot: v.optional(count),
  withoutTensors: v.optional(v.array(v.picklist(TRAINED_KINDS))),
  runs: v.array(
    v.looseObject({
      id: v.string(),
      sha256: v.string(),
      split: v.picklist(['train', 'val']),
      task: textOrNull,
      architecture: textOrNull,
      samples: count,
    }),
  ),
});

const RECORD_SCHEMA = v.looseObject({
  toolkitVersion: v.string(),
  kinds: v.strictObject(v.entriesFromList(TRAINED_KINDS, v.optional(KIND_TRAINING_SCHEMA))),
  dataset: TRAINING_DATASET_SCHEMA,
});

/**
 * Checks a parsed `train.json`.
 *
 * @param fileName path of the file, for messages.
 * @throws SchemaVersionError when it is of another version; {@link CorruptFileError} when it is not a record.
 */
export function checkTrainingRecord(value: unknown, fileName: string): TrainingRecord {
  const remedy = 'train again into another directory (wnn train --out)';
  requireVersion(value, TRAINING_SCHEMA_VERSION, fileName, remedy);
  const record = value as TrainingRecord;
  const problem =
    specProblem(record.spec) ??
    schemaProblem(RECORD_SCHEMA, record) ??
    cadenceProblem(record.dataset.cadence) ??
    weightsProblem(record);
  if (problem === null) return record;
  throw new CorruptFileError({ what: `not a training record: ${problem}`, where: fileName, remedy });
}

function weightsProblem({ kinds }: TrainingRecord): string | null {
  const entries = Object.entries(kinds) as [TrainedKind, KindTraining][];
  const odd = entries.find(([kind, { weights }]) => weights !== bestWeightsPath(kind));
  return odd === undefined ? null : `kinds.${odd[0]}.weights is ${quoteValue(odd[1].weights)}`;
}
