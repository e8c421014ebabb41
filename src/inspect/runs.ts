// What can be said of a trajectory store and its runs without reading their values.

import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { SnapshotCadence } from '../trajectory/cadence.js';
import { countValues } from '../trajectory/manifest.js';
import { readMetrics } from '../trajectory/runReader.js';
import type { RunManifest, RunStatus, TensorKind } from '../trajectory/schema.js';

/** One line of a store's table. */
export interface RunSummary {
  id: string;
  source: RunManifest['source'];
  task: string | null;
  architecture: string | null;
  optimizer: RunManifest['optimizer'];
  /** Values of the network's tensors, and how they divide among the kinds of tensors. */
  parameters: number;
  parametersByKind: Partial<Record<TensorKind, number>>;
  /** Values in a snapshot: `parameters`, or fewer where a run records some scalars of each tensor. */
  recorded: number;
  tensors: number;
  snapshots: number;
  cadence: SnapshotCadence;
  epochsPlanned: number | null;
  /** Steps of an epoch; null where not known. */
  stepsPerEpoch: number | null;
  status: RunStatus;
  reason: string | null;
  /** Metrics of the last snapshot; not finite: null. */
  finalMetrics: Record<string, number | null>;
  /** Size of the run's files. */
  bytes: number;
}

/** Bytes of a file, or of all files under a directory. */
export function measureBytes(path: string): number {
  const stat = lstatSync(path);
  if (!stat.isDirectory()) return stat.size;
  return readdirSync(path).reduce((sum, name) => sum + measureBytes(join(path, name)), 0);
}

/** @throws CorruptFileError when the run's table of metrics is damaged. */
export async function summarizeRun(directory: string, manifest: RunManifest): Promise<RunSummary> {
  const parametersByKind: RunSummary['parametersByKind'] = {};
  let parameters = 0;
  let recorded = 0;
  for (const { kind, shape, sampledFrom } of manifest.tensors) {
    const count = countValues(sampledFrom ?? shape);
    recorded += countValues(shape);
    parameters += count;
    parametersByKind[kind] = (parametersByKind[kind] ?? 0) + count;
  }
  const last = (await readMetrics(directory)).at(-1)?.metrics ?? {};
  return {
    id: manifest.id,
    source: manifest.source,
    task: manifest.task,
    architecture: manifest.architecture,
    optimizer: manifest.optimizer,
    parameters,
    parametersByKind,
    recorded,
    tensors: manifest.tensors.length,
    snapshots: manifest.snapshotsRecorded,
    cadence: manifest.cadence,
    epochsPlanned: manifest.epochsPlanned,
    stepsPerEpoch: manifest.stepsPerEpoch ?? null,
    status: manifest.status,
    reason: manifest.reason,
    finalMetrics: Object.fromEntries(
      Object.entries(last).map(([name, value]) => [name, Number.isFinite(value) ? value : null]),
    ),
    bytes: measureBytes(directory),
  };
}
