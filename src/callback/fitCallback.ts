// A callback for `fit` of whatever copy of tfjs-layers. A copy takes instances of its own Callback as they are; from
// anything else it copies the hooks and calls them on an object of its own, without a model.

import * as tfl from '@tensorflow/tfjs-layers';
import { MismatchError } from '../errors.js';
import { modelOfFit, observeFits } from './fitModel.js';

const HOOKS = ['onTrainBegin', 'onTrainEnd', 'onEpochBegin', 'onEpochEnd', 'onBatchBegin', 'onBatchEnd'] as const;

type Params = Parameters<tfl.Callback['setParams']>[0];

/**
 * Base of the toolkit's callbacks. Its hooks may be called on any object, so that it can stand alone or in a list, beside
 * objects with hooks as well, in `fit` and `fitDataset` of any copy of TensorFlow.js.
 */
export abstract class FitCallback extends tfl.Callback {
  /** Whether a model was given for the training that is about to begin. */
  #hasModel = false;

  constructor() {
    super();
    observeFits();
    const adopt = (caller: unknown) => this.#adopt(caller);
    for (const hook of HOOKS) {
      const method = this[hook] as (...args: unknown[]) => Promise<void>;
      const bound = async (caller: unknown, args: unknown[]) => {
        if (hook === 'onTrainBegin') adopt(caller);
        await method.apply(this, args);
      };
      this[hook] = function (this: unknown, ...args: unknown[]) {
        return bound(this, args);
      };
    }
  }

  override setParams(params: Params): void {
    this.params = params;
  }

  /**
   * Sets the model that the next training is of. `fit` does so by itself, except where it is of a copy of TensorFlow.js
   * that cannot be found (one that a bundler has put into a page beside another): call it there before each `fit`.
   *
   * @param model a LayersModel of any copy of tfjs-layers.
   */
  override setModel(model: tfl.LayersModel): void {
    this.model = model;
    this.#hasModel = true;
  }

  /** Takes parameters and model of the fit from the object that its copy of tfjs-layers calls the hooks on. */
  #adopt(caller: unknown): void {
    const params = (caller as { params?: Params } | undefined)?.params;
    if (caller !== this && params !== undefined) {
      this.setParams(params);
      const model = modelOfFit(params);
      if (model !== undefined) this.setModel(model);
    }
    if (caller !== this && !this.#hasModel)
      throw new MismatchError({
        what: 'fit belongs to another copy of TensorFlow.js and does not tell the callback which model it trains',
        where: this.constructor.name,
        remedy:
          'call setModel(model) of the callback before each fit, or have one copy (`npm ls @tensorflow/tfjs-layers`)',
      });
    this.#hasModel = false;
  }
}
