// Which tensors of a checkpoint become part of a run, and what they are called there.

import { isFloatType } from '../../formats/floats.js';
import type { ListedCheckpoint, ListedTensor } from '../importers/importer.js';
import { fits } from './pattern.js';

/** Which tensors are taken beside the rules. */
export interface SelectOptions {
  /** Patterns of names to take although a rule leaves them out: averaged copies, the optimizer's arrays. */
  include?: readonly string[];
  /** Patterns of names to leave out. */
  exclude?: readonly string[];
}

/** Arrays of a checkpoint that are not among the tensors of the run, and why. */
export interface LeftOut {
  /** How many are state of the optimizer. */
  optimizer: number;
  /** How many are whole numbers, truth values, texts: counters, seeds. */
  notFloat: number;
  /** How many are averaged copies of others (EMA). */
  copies: number;
  /** How many arrays of floats stand elsewhere in the file, outside of the network. */
  elsewhere: number;
  /** Names that `exclude` left out. */
  excluded: string[];
  /** Names and types of what cannot be read: `q.weight (F8_E4M3)`. */
  unreadable: string[];
  /** Names of what was not finite in the first checkpoint: masks of -inf. */
  notFinite: string[];
}

/** The tensors of a checkpoint that are taken, by their names in the run. */
export interface Selection {
  tensors: ListedTensor[];
  leftOut: LeftOut;
}

/** Names that PyTorch, Keras, TensorFlow and JAX give to the state of optimizers. */
const OPTIMIZER_NAMES = [
  /^(optimi[sz]ers?|optim|opt_state|optimi[sz]er_(states?|weights|state_dict))([._/]|$)/i,
  /(^|[._/])(exp_avg|exp_avg_sq|exp_inf|max_exp_avg_sq|square_avg|acc_delta|grad_avg|momentum_buffer)([._/]|$)/i,
  /(^|[._/])(\.OPTIMIZER_SLOT|beta[12]_power)([._/]|$)/,
  /\/(adam(_[1mv])?|momentum|nesterov|rmsprop(_1)?|adagrad)$/i,
  /(^|\/)(nadam|adamw?|adagrad|adamax|rmsprop|sgd|lion)\/(m|v|vhat|momentum|velocity|accumulator)(\/|$)/i,
];
/** Parts of names by which averaged copies of a network are told. */
const COPY_NAMES =
  /(^|[._/])(ema|ema_model|model_ema|shadow|shadow_params|swa_model|averaged_model|ExponentialMovingAverage)([._/]|$)/i;

/** What wrappers put into names wherever they stand: torch.compile, FSDP, activation checkpointing. */
const WRAPPERS = /(^|\.)(_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)(?=\.)/g;
/** What wrappers put before all names: DataParallel, Lightning. */
const PREFIXES = /^(module|model)\./;

/** The names without what wrappers of the network added, so that a job that changed them keeps its names. */
function unwrapNames(names: readonly string[]): string[] {
  let plain = names.map((name) => name.replace(WRAPPERS, '').replace(/^\./, ''));
  for (;;) {
    const prefix = PREFIXES.exec(plain[0] ?? '')?.[0];
    if (prefix === undefined || !plain.every((name) => name.startsWith(prefix))) break;
    plain = plain.map((name) => name.slice(prefix.length));
  }
  return new Set(plain).size === names.length ? plain : [...names];
}

/** Chooses the tensors of a checkpoint by their names and types, before any is read. */
export function selectTensors(
  { tensors: listed, optimizerArrays = 0, otherArrays = 0 }: ListedCheckpoint,
  { include = [], exclude = [] }: SelectOptions,
): Selection {
  const leftOut: LeftOut = {
    optimizer: optimizerArrays,
    notFloat: 0,
    copies: 0,
    elsewhere: otherArrays,
    excluded: [],
    unreadable: [],
    notFinite: [],
  };
  const isIncluded = (name: string) => include.some((pattern) => fits(name, pattern));
  const network = listed.filter(({ name, isOptimizer }) => {
    const isState = isOptimizer ?? OPTIMIZER_NAMES.some((pattern) => pattern.test(name));
    if (!isState || isIncluded(name)) return true;
    leftOut.optimizer++;
    return false;
  });
  const originals = network.filter(({ name }) => !COPY_NAMES.test(name) || isIncluded(name));
  // Where there is nothing else, a copy is the network.
  const hasOriginals = originals.some(({ type }) => type !== 'whole');
  const kept = hasOriginals ? originals : network;
  leftOut.copies = network.length - kept.length;
  const names = unwrapNames(kept.map(({ name }) => name));
  const tensors = kept.flatMap((tensor, i): ListedTensor[] => {
    const name = names[i];
    const { type } = tensor;
    if (exclude.some((pattern) => fits(name, pattern) || fits(tensor.name, pattern))) leftOut.excluded.push(name);
    else if (typeof type === 'object') leftOut.unreadable.push(`${name} (${type.unreadable})`);
    else if (!isFloatType(type)) leftOut.notFloat++;
    else return [{ ...tensor, name }];
    return [];
  });
  return { tensors, leftOut };
}
