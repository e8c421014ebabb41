// A trained nowcaster, as the callback applies it by default.

import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { createDefaultCompute, createNowcasterForecaster } from '../../callback/index.js';
import { loadNowcaster } from '../../callback/node.js';
import { MissingFileError, UsageError } from '../../errors.js';
import type { Method, MethodDescription } from '../../evaluation/schema.js';
import { loadWebgpuKernels } from '../../families/webgpuKernels.js';
import type { NetworkCompute } from '../../network/compute.js';
import type { NowcasterSpec } from '../../network/spec.js';
import { NOWCASTER_MANIFEST_NAME, type NowcasterManifest } from '../../nowcaster/nowcaster.js';
import { readNowcasterManifest } from '../../nowcaster/onDisk.js';
import { checkProvenance } from '../../nowcaster/provenance.js';
import { findNowcasterDirectory, SHIPPED_DIRECTORY, SHIPPED_WORD } from '../../nowcaster/shippedDirectory.js';
import { networkOf, TRAINED_KINDS } from '../../nowcaster/spec.js';
import { quantity } from '../../quantity.js';
import { describeCadence } from '../../trajectory/cadence.js';
import type { MethodDefinition } from './definition.js';
import { periodicMethod } from './periodic.js';
import { PERIODIC_SETTINGS, type PeriodicSettings } from './periodicSettings.js';
import { placeOf } from './place.js';
import type { MethodSetting } from './setting.js';

/** Data of the method. */
export type NowcasterMethod = Method & {
  /** Absolute path of its directory. */
  directory: string;
  /** SHA-256 of its files, so that results of replaced weights are not taken for theirs. */
  contentHash: string;
};

function hashDirectory(directory: string): string {
  const hash = createHash('sha256');
  const visit = (path: string, name: string) => {
    if (statSync(path).isDirectory()) {
      for (const entry of readdirSync(path).sort()) visit(join(path, entry), `${name}/${entry}`);
      return;
    }
    // What is forecast depends on the manifest and the tfjs weights only.
    if (name !== `/${NOWCASTER_MANIFEST_NAME}` && !name.startsWith('/tfjs/')) return;
    hash.update(`${name}\n`);
    hash.update(readFileSync(path));
  };
  visit(directory, '');
  return hash.digest('hex');
}

/** The fused WebGPU kernels where trainings run on webgpu, else the callback's default. */
async function createCompute(spec: NowcasterSpec): Promise<NetworkCompute> {
  const openKernels = tf.getBackend() === 'webgpu' ? await loadWebgpuKernels(spec.family) : null;
  if (openKernels === null) return createDefaultCompute(spec);
  return openKernels(spec, networkOf(spec), (tf.backend() as tf.KernelBackend & { device: GPUDevice }).device);
}

function describeTraining({ dataset, spec, cadence, recommended, toolkitVersion }: NowcasterManifest) {
  const { period, stepScale } = recommended;
  const window = `${spec.family}, window ${spec.inputLength}, horizons ${spec.horizons.join(', ')}, a snapshot ${describeCadence(cadence)}, a nowcast every ${quantity(period, 'snapshot')}, step scale ${stepScale}`;
  if (dataset === null) return `${window}; its weights came from elsewhere.`;
  const tasks = dataset.runs.map(({ task, architecture }) => [task, architecture].filter(Boolean).join('/'));
  const distinct = [...new Set(tasks)].join('; ');
  return `${window}; trained by version ${toolkitVersion} on ${quantity(dataset.runs.length, 'run')} of ${distinct}.`;
}

/** Its settings: those of all nowcasting methods, and its own. */
export interface NowcasterSettings extends PeriodicSettings {
  /** Several are joined by `+`. */
  horizon?: number | string;
}

/** The horizons of a setting; undefined: the nowcaster's farthest. */
function horizonsOf(setting: number | string | undefined): number[] | undefined {
  return setting === undefined ? undefined : String(setting).split('+').map(Number);
}

/** One horizon, or several for equal parts of the training. */
const horizonSetting: MethodSetting<number | string> = {
  describe: 'snapshots ahead to jump: one of its horizons, or some for equal parts of the training',
  values: 'a whole number from 1, or several: 20+10+5',
  parse(text) {
    const horizons = text.split('+').map(Number);
    if (!horizons.every((horizon) => Number.isSafeInteger(horizon) && horizon >= 1)) return null;
    return horizons.length === 1 ? horizons[0] : horizons.join('+');
  },
};

export const nowcaster: MethodDefinition<NowcasterMethod, NowcasterSettings> = {
  type: 'nowcaster',
  argument: '[NAME=]DIR',
  settings: {
    ...PERIODIC_SETTINGS,
    horizon: horizonSetting,
  },
  paths: ['directory'],
  parse(argument) {
    const split = argument.indexOf('=');
    const directory = findNowcasterDirectory(argument.slice(split + 1));
    const name = split < 0 ? basename(directory) : argument.slice(0, split);
    if (!existsSync(join(directory, NOWCASTER_MANIFEST_NAME)))
      throw new MissingFileError({
        what: 'no nowcaster',
        where: join(directory, NOWCASTER_MANIFEST_NAME),
        remedy: 'give a directory that `wnn export` made',
      });
    return { type: 'nowcaster', name, directory, contentHash: hashDirectory(directory) };
  },
  check(data) {
    const { name, directory, contentHash } = data as NowcasterMethod;
    const own = nowcaster.parse!(`${name}=${directory}`);
    if (own.contentHash === contentHash) return own;
    throw new UsageError({
      what: 'refused training: its nowcaster’s files are not those of the plan',
      where: directory,
      remedy: 'plan it with `wnn evaluate`',
    });
  },
  async describe({ name, directory, contentHash }) {
    // Read whole: a damaged one is to be found before anything is trained, not after hours.
    const { manifest } = await loadNowcaster(directory);
    checkProvenance(directory, manifest);
    const place = directory === SHIPPED_DIRECTORY ? SHIPPED_WORD : placeOf(directory);
    const heldOut: NonNullable<MethodDescription['heldOut']> = {};
    for (const kind of TRAINED_KINDS) {
      const errors = manifest.kinds[kind]?.training?.validation;
      if (!errors) continue;
      const { noChange, linear, network: own } = errors;
      if ([noChange, linear, own].every(Number.isFinite)) heldOut[kind] = { noChange, linear, own };
    }
    return {
      sentence: `nowcaster ${place}, SHA-256 ${contentHash.slice(0, 12)}…`,
      command: `nowcaster:${name}=${place}`,
      training: describeTraining(manifest),
      heldOut,
    };
  },
  stepScaleOf({ directory, stepScale }) {
    if (stepScale !== undefined) return stepScale === 'adaptive' ? null : stepScale;
    return readNowcasterManifest(directory).recommended.stepScale;
  },
  ...periodicMethod<NowcasterMethod, NowcasterSettings>(async ({ directory, horizon }) => {
    const read = await loadNowcaster(directory);
    const horizons = horizonsOf(horizon);
    const [first = Math.max(...read.spec.horizons)] = horizons ?? [];
    const choice = horizons !== undefined && horizons.length > 1 ? horizons : first;
    // The errors of its forecasts are measured at the first one.
    return { ...createNowcasterForecaster(read, createCompute, { horizon: choice }), horizon: first };
  }),
};
