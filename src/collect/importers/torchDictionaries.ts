// Which dictionaries of tensors a PyTorch checkpoint holds, and which of them is the network. Works on what the pickle
// says; reads no values.

import { PickleGlobal, PickleObject, type PickleValue } from '../../formats/pickle.js';
import { describeTensor, type PickledTensor } from '../../formats/pickledTensor.js';

/** A tensor by its name in its dictionary. */
export interface NamedTensor extends PickledTensor {
  name: string;
  /** Class of the layer, where a whole module was saved. */
  layerClass?: string;
}

/** A dictionary of tensors. */
export interface Dictionary {
  /** Where it stands, e.g. `model_state_dict`; empty for the top of the file. */
  key: string;
  tensors: NamedTensor[];
}

/** The dictionaries of a file. */
export interface Dictionaries {
  /** In the order of the file. */
  all: Dictionary[];
  /** Tensors of the state of optimizers. */
  optimizerTensors: number;
}

/** Keys under which the state of optimizers and of what goes with them stands. */
const OPTIMIZER_KEYS = /optim|^(opt|opt_state)$|sched|scaler|^callbacks$|^loops$/i;
/** Keys of averaged copies, which are taken only where there is nothing else. */
const COPY_KEYS = /(^|[._])(ema|shadow|averaged?|swa)([._]|$)|ema_|_ema/i;
/** A dictionary of dictionaries under one of these is one network, nested. */
const MODEL_KEYS = /^(state_dict|model_state_dict|model_state|model|net|network|module|params|weights)$/;

const isModule = (state: Map<PickleValue, PickleValue>) => state.has('_parameters') && state.has('_modules');

/** What a value holds by name; null for values that hold nothing. */
function entriesOf(value: PickleValue): [name: string, value: PickleValue][] | null {
  const named = (map: Map<PickleValue, PickleValue>): [string, PickleValue][] =>
    [...map].flatMap(([key, held]) =>
      typeof key === 'string' || typeof key === 'number' ? [[String(key), held]] : [],
    );
  if (value instanceof Map) return named(value);
  if (Array.isArray(value)) return value.map((held, i) => [String(i), held]);
  if (!(value instanceof PickleObject)) return null;
  const { state, items } = value;
  if (state instanceof Map && isModule(state)) {
    const parts = ['_parameters', '_buffers', '_modules'].map((part) => state.get(part) ?? null);
    return parts.flatMap((part) => entriesOf(part) ?? []);
  }
  return [...named(items), ...(state instanceof Map && items.size === 0 ? named(state) : [])];
}

const classOf = (value: PickleValue) =>
  value instanceof PickleObject &&
  value.callee instanceof PickleGlobal &&
  value.callee.path !== 'collections.OrderedDict'
    ? value.callee.name
    : undefined;

/** All tensors under a value, by the path that leads to them. */
function flatten(value: PickleValue, seen: Set<PickleValue>, prefix = ''): NamedTensor[] {
  if (seen.has(value)) return [];
  const layerClass = classOf(value);
  seen.add(value);
  return (entriesOf(value) ?? []).flatMap(([name, held]) => {
    const tensor = describeTensor(held);
    if (tensor !== null) return [{ ...tensor, name: `${prefix}${name}`, layerClass }];
    return flatten(held, seen, `${prefix}${name}.`);
  });
}

const isFloat = ({ type }: PickledTensor) => type !== 'whole';
const sizeOf = ({ shape }: PickledTensor) => shape.reduce((product, size) => product * size, 1);
/** Values in a dictionary: what decides which one is the network. */
const valuesOf = ({ tensors }: Dictionary) =>
  tensors.filter(isFloat).reduce((sum, tensor) => sum + (tensor.shape.length > 0 ? sizeOf(tensor) : 0), 0);

const join = (key: string, name: string) => (key === '' ? name : `${key}.${name}`);
const MAX_DEPTH = 32;

/**
 * Finds all dictionaries that hold tensors of rank 1 or more by themselves, all modules, and under the usual keys those
 * that hold nested ones.
 */
export function findDictionaries(root: PickleValue): Dictionaries {
  const seen = new Set<PickleValue>();
  const found: Dictionaries = { all: [], optimizerTensors: 0 };
  const visit = (value: PickleValue, key: string, depth: number) => {
    const entries = depth > MAX_DEPTH || seen.has(value) ? null : entriesOf(value);
    if (entries === null) return;
    const last = key.split('.').at(-1) as string;
    const isState = value instanceof Map && value.has('param_groups');
    if (OPTIMIZER_KEYS.test(last) || isState) {
      found.optimizerTensors += flatten(value, seen).length;
      return;
    }
    seen.add(value);
    const isWhole = value instanceof PickleObject && value.state instanceof Map && value.items.size === 0;
    const own = entries.flatMap(([name, held]) => {
      const tensor = describeTensor(held);
      return tensor === null ? [] : [{ ...tensor, name, layerClass: classOf(value) }];
    });
    const holdsOwn = own.some((tensor) => isFloat(tensor) && tensor.shape.length > 0);
    if (isWhole || (MODEL_KEYS.test(last) && !holdsOwn)) {
      seen.delete(value);
      const dictionary = { key, tensors: flatten(value, seen) };
      if (valuesOf(dictionary) > 0) {
        found.all.push(dictionary);
        return;
      }
    } else if (own.length > 0) found.all.push({ key, tensors: own });
    for (const [name, held] of entries) visit(held, join(key, name), depth + 1);
  };
  visit(root, '', 0);
  return found;
}

/** Whether there are values to take, beside scalars and what is not read. */
export function holdsValues(dictionary: Dictionary): boolean {
  return valuesOf(dictionary) > 0;
}

/** The dictionary with the most values that is no averaged copy; of equal ones the first. */
export function chooseDictionary(all: readonly Dictionary[]): Dictionary | undefined {
  const originals = all.filter((dictionary) => !COPY_KEYS.test(dictionary.key) && holdsValues(dictionary));
  const candidates = originals.length > 0 ? originals : all;
  return candidates.toSorted((a, b) => valuesOf(b) - valuesOf(a))[0];
}
