// What nowcaster.json says of where its networks come from, checked for the stages that show it. Jobs that only nowcast do
// not look at it.

import { join } from 'node:path';
import * as v from 'valibot';
import { requireSchema } from '../formats/jsonSchema.js';
import { KIND_TRAINING_SCHEMA, TRAINING_DATASET_SCHEMA } from './checkTraining.js';
import { NOWCASTER_MANIFEST_NAME, type NowcasterManifest } from './nowcaster.js';
import { TRAINED_KINDS } from './spec.js';

const kind = v.looseObject({
  training: v.nullable(KIND_TRAINING_SCHEMA),
  source: v.object({ file: v.string(), sha256: v.string() }),
  files: v.record(v.string(), v.string()),
});

const SCHEMA = v.looseObject({
  toolkitVersion: v.string(),
  tag: v.pipe(v.string(), v.regex(/^[\w.-]{1,100}$/)),
  kinds: v.object(v.entriesFromList(TRAINED_KINDS, v.optional(kind))),
  dataset: v.nullable(TRAINING_DATASET_SCHEMA),
});

/** @throws CorruptFileError naming the field that is not what an export writes. */
export function checkProvenance(directory: string, manifest: NowcasterManifest): void {
  requireSchema(SCHEMA, manifest, {
    what: "not a nowcaster's manifest",
    where: join(directory, NOWCASTER_MANIFEST_NAME),
    remedy: 'export it again (wnn export)',
  });
}
