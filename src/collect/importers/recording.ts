// Imports what a Python package's TrajectoryRecorder wrote: trajectory.json, and a .safetensors file a snapshot beside it.
// The manifest says what other checkpoints leave open: kinds, layout, cadence, metrics, the optimizer. Each is a run.

import { dirname, join } from 'node:path';
import * as v from 'valibot';
import { SchemaVersionError } from '../../errors.js';
import { corruptFile } from '../../formats/corruptFile.js';
import { readWholeFile, withInputFile } from '../../formats/inputFile.js';
import { decodeSafetensors } from '../../formats/safetensors.js';
import { readSchedule } from '../../nowcaster/schedule.js';
import { countValues } from '../../trajectory/manifest.js';
import { type Positions, positionsProblem } from '../../trajectory/sampling.js';
import { TENSOR_KINDS, type TensorStatistics } from '../../trajectory/schema.js';
import type { CheckpointImporter, ListedTensor, TrainingFacts } from './importer.js';
import { listTensors } from './safetensors.js';

/** What is read of it, and what calls itself so. */
const SCHEMA_VERSION = 1;
const MARK = 'weight-trajectory';
const FORMAT = 'trajectory.json';

const whole = (least: number) => v.pipe(v.number(), v.safeInteger(), v.minValue(least));
const setting = v.union([v.number(), v.string(), v.boolean()]);
const textOrNull = v.nullable(v.string());
const snapshotFacts = {
  /** A name without directories: what a manifest says opens no other files. */
  file: v.pipe(v.string(), v.regex(/^[\w.-]+\.safetensors$/)),
  metrics: v.record(v.string(), v.nullable(v.number())),
  /** Mean and root mean square of each tensor's values, then of their changes. */
  statistics: v.optional(
    v.record(
      v.string(),
      v.strictTuple([v.nullable(v.number()), v.nullable(v.number()), v.nullable(v.number()), v.nullable(v.number())]),
    ),
  ),
};

const manifestSchema = v.object({
  status: v.picklist(['recording', 'complete']),
  framework: v.object({ name: v.string(), version: v.string() }),
  layout: v.picklist(['keras', 'torch']),
  task: textOrNull,
  architecture: textOrNull,
  batchSize: v.nullable(whole(1)),
  epochsPlanned: v.nullable(whole(1)),
  optimizer: v.nullable(v.objectWithRest({ name: v.string() }, setting)),
  cadence: v.object({ unit: v.picklist(['epoch', 'step']), every: whole(1) }),
  nowcasts: v.nullable(v.pipe(v.unknown(), v.transform(readSchedule), v.object({ period: whole(1), start: whole(0) }))),
  scalarsPerTensor: v.nullable(whole(1)),
  positions: v.optional(v.nullable(snapshotFacts.file)),
  tensors: v.array(
    v.object({ name: v.string(), kind: v.picklist(TENSOR_KINDS), class: v.string(), shape: v.array(whole(0)) }),
  ),
  snapshots: v.pipe(
    v.array(
      v.union([
        v.object({ ...snapshotFacts, epoch: whole(0), step: v.optional(v.never()) }),
        v.object({ ...snapshotFacts, step: whole(0), epoch: v.optional(v.never()) }),
      ]),
    ),
    v.minLength(1, 'no snapshot was recorded'),
  ),
});

type RecordingManifest = v.InferOutput<typeof manifestSchema>;

async function readRecording(path: string): Promise<RecordingManifest> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(await readWholeFile(path, FORMAT)));
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw corruptFile(path, FORMAT, 'it is no JSON');
  }
  const { format, schemaVersion } = (value ?? {}) as { format?: unknown; schemaVersion?: unknown };
  if (format !== MARK) throw corruptFile(path, FORMAT, `its format is not ${MARK}`);
  if (schemaVersion !== SCHEMA_VERSION)
    throw new SchemaVersionError({
      what: `schema version ${String(schemaVersion)} of a recording, this toolkit reads ${SCHEMA_VERSION}`,
      where: path,
      remedy: 'record with a package that this toolkit exports',
    });
  const result = v.safeParse(manifestSchema, value);
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw corruptFile(path, FORMAT, `${v.getDotPath(issue) ?? 'it'}: ${issue.message}`);
}

function trainingOf(manifest: RecordingManifest): TrainingFacts {
  const { framework, task, architecture, optimizer, epochsPlanned, cadence, nowcasts } = manifest;
  const { batchSize, scalarsPerTensor, snapshots } = manifest;
  return {
    task,
    architecture,
    optimizer,
    epochsPlanned,
    cadence,
    ...(nowcasts === null ? {} : { nowcasts }),
    hyperparameters: {
      checkpoints: snapshots.length,
      framework: `${framework.name} ${framework.version}`,
      ...(batchSize === null ? {} : { batchSize }),
    },
    ...(scalarsPerTensor === null ? {} : { scalarsPerTensor }),
  };
}

/** The tensors of a snapshot as the manifest has them, in its order. A share of a tensor is a tensor of one axis. */
function describe(
  file: string,
  found: readonly ListedTensor[],
  { tensors, scalarsPerTensor }: RecordingManifest,
  positions: Positions,
): ListedTensor[] {
  const byName = new Map(found.map((tensor) => [tensor.name, tensor]));
  if (byName.size !== tensors.length) throw corruptFile(file, FORMAT, 'it holds other tensors than its manifest');
  return tensors.map(({ name, kind, class: layerClass, shape }) => {
    const tensor = byName.get(name);
    const size = shape.reduce((product, length) => product * length, 1);
    const expected = scalarsPerTensor !== null && size > scalarsPerTensor ? [scalarsPerTensor] : shape;
    if (tensor?.shape.join() !== expected.join())
      throw corruptFile(file, FORMAT, `${name} is not as its manifest has it, [${expected.join(', ')}]`);
    const chosen = positions.get(name);
    const sampledFrom = chosen && { shape, positions: chosen };
    const described = { ...tensor, name, shape: expected, kind, layerClass, isOptimizer: false };
    return { ...described, ...(sampledFrom && { sampledFrom }), read: () => tensor.read() };
  });
}

/** Which scalars the snapshots hold of each larger tensor; none of a recording of whole tensors. */
async function readPositions(
  path: string,
  { tensors, scalarsPerTensor, positions }: RecordingManifest,
): Promise<Positions> {
  const sampled = tensors.filter(({ shape }) => countValues(shape) > (scalarsPerTensor ?? Number.POSITIVE_INFINITY));
  if (sampled.length === 0) return new Map();
  if (!positions) throw corruptFile(path, FORMAT, 'it names no file of positions');
  const file = join(dirname(path), positions);
  const arrays = decodeSafetensors(await readWholeFile(file, FORMAT), file).tensors;
  const found = new Map<string, Uint32Array>();
  for (const { name, shape } of sampled) {
    const array =
      Object.hasOwn(arrays, name) && arrays[name].dtype === 'I64' ? arrays[name].data.slice() : new Uint8Array();
    const places = Array.from(new BigInt64Array(array.buffer), Number);
    const problem = positionsProblem(places, shape, scalarsPerTensor as number);
    if (problem !== null) throw corruptFile(file, FORMAT, `${name}: ${problem}`);
    found.set(name, Uint32Array.from(places));
  }
  return found;
}

/** Statistics of a snapshot's tensors; undefined in a recording of whole tensors. */
function statisticsOf(
  path: string,
  { tensors, scalarsPerTensor }: RecordingManifest,
  { file, statistics }: RecordingManifest['snapshots'][number],
): Map<string, TensorStatistics> | undefined {
  if (scalarsPerTensor === null) return undefined;
  return new Map(
    tensors.map(({ name }) => {
      const measured = statistics?.[name];
      if (measured === undefined) throw corruptFile(path, FORMAT, `${file} has no statistics of ${name}`);
      const [mean, rms, changeMean, changeRms] = measured.map((value) => value ?? Number.NaN);
      return [name, { mean, rms, changeMean, changeRms }];
    }),
  );
}

/** `trajectory.json` of a TrajectoryRecorder. */
export const recordingImporter: CheckpointImporter = {
  id: 'recording',
  describe: "trajectory.json of a Python package's TrajectoryRecorder, each a run by itself",
  ending: /(^|[\\/])trajectory\.json$/i,
  folderFile: 'trajectory.json',
  recognizes: ({ text }) => /^\s*\{\s*"format":\s*"weight-trajectory"/.test(text),
  layout: 'open',
  isTrajectory: true,
  open: async (path, take) => {
    const manifest = await readRecording(path);
    const { status, cadence, layout, snapshots } = manifest;
    const training = trainingOf(manifest);
    const positions = await readPositions(path, manifest);
    let last = -1;
    for (const entry of snapshots) {
      const { file, metrics, epoch, step } = entry;
      const statistics = statisticsOf(path, manifest, entry);
      const number = (cadence.unit === 'epoch' ? epoch : step) ?? -1;
      const snapshot = (number + 1) / cadence.every - 1;
      if (!(Number.isInteger(snapshot) && snapshot > last))
        throw corruptFile(path, FORMAT, `${file} is not the next snapshot of its cadence`);
      last = snapshot;
      const finite = Object.fromEntries(Object.entries(metrics).map(([name, value]) => [name, value ?? Number.NaN]));
      await withInputFile(join(dirname(path), file), FORMAT, (input) =>
        take({
          tensors: describe(input.path, listTensors(input), manifest, positions),
          snapshot,
          metrics: finite,
          ...(statistics && { statistics }),
          layout,
          training,
          interruption: status === 'complete' ? undefined : 'its recorder was not closed',
        }),
      );
    }
  },
};
