// Which model a `fit` trains, where `fit` does not tell: a `fit` that wraps its callbacks in CustomCallback hands the model
// to the wrappers, which drop it. A callback of our own, registered with every copy of tfjs-layers that can be found, is
// told the model and the parameters object that all callbacks of one fit share.

import * as ownLayers from '@tensorflow/tfjs-layers';

type Register = typeof ownLayers.registerCallbackConstructor;

/** The model of each fit, by its parameters object. */
const models = new WeakMap<object, ownLayers.LayersModel>();
const observed = new WeakSet<Register>();

/** Other copies of tfjs-layers call the methods of a registered callback without checking its class. */
class ModelObserver extends ownLayers.Callback {
  override setModel(model: ownLayers.LayersModel): void {
    models.set(this.params, model);
  }
}

/** The function of a copy of tfjs-layers that registers a callback, which also tells copies apart. */
function registerOf(module: unknown): Register | undefined {
  const register = (module as { registerCallbackConstructor?: unknown } | null | undefined)
    ?.registerCallbackConstructor;
  return typeof register === 'function' ? (register as Register) : undefined;
}

/** Every CommonJS module that this process has loaded, by path: in Node tfjs-layers is one. Empty in a browser. */
function loadedModules(): Record<string, { exports: unknown } | undefined> {
  // No import: bundlers for browsers would have to resolve it.
  const { process: node } = globalThis as { process?: Partial<NodeJS.Process> };
  // The cache is the same whatever file it is asked for.
  return node?.getBuiltinModule?.('node:module').createRequire(node.execPath!).cache ?? {};
}

/** Copies of tfjs-layers: the one that this module imports, that of a script tag, those that Node has loaded. */
function findCopies(): unknown[] {
  const loaded = Object.entries(loadedModules()).filter(([path]) => /[\\/]tfjs-layers[\\/]/.test(path));
  return [ownLayers, (globalThis as { tf?: unknown }).tf, ...loaded.map(([, module]) => module?.exports)];
}

/** Observes from now on the fits of all copies of tfjs-layers that are loaded. */
export function observeFits(): void {
  for (const copy of findCopies()) {
    const register = registerOf(copy);
    if (register === undefined || observed.has(register)) continue;
    observed.add(register);
    // Level 0: whatever the verbosity of the fit.
    register(0, ModelObserver);
  }
}

/** The model of the fit with this parameters object; undefined where the fit is of a copy that was not found. */
export function modelOfFit(params: object): ownLayers.LayersModel | undefined {
  return models.get(params);
}
