// Options that mean the same in several commands, in the same words.

import { ENGINE_NAMES, type EngineRequest } from '../engine/engine.js';
import { TRAINED_KINDS } from '../nowcaster/spec.js';
import { listOption } from './lists.js';

export const ENGINE = {
  choices: ['auto', ...ENGINE_NAMES] as EngineRequest[],
  default: 'auto' as EngineRequest,
  describe: 'what computes: auto takes tensorflow on a GPU, else wasm; see `wnn doctor`',
} as const;

export const ADAPTER = { type: 'string', describe: 'with --engine webgpu: the GPU, or a part of its name' } as const;

export const WORKERS = { type: 'number', describe: 'worker processes, one run each [default: one per core]' } as const;

export const IMAGES = {
  type: 'string',
  describe: 'directory that holds a folder for each downloaded dataset [default: $WNN_IMAGES or data/images]',
} as const;

export const STORE = { type: 'string', default: 'data/trajectories', describe: 'directory of the store' } as const;

export const TASK = listOption({ describe: 'tasks, e.g. mnist/lenet; `wnn data list` has their datasets' });

/** @param byDefault which kinds are taken where none are named. */
export const kindOption = (byDefault: string) =>
  listOption({ choices: TRAINED_KINDS, describe: `kinds of tensors [default: ${byDefault}]` });
