// Sets the learning rate of each step of a training by its optimizer's schedule.

import type * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import type { OptimizerInfo } from '../trajectory/schema.js';
import { scheduleOf, setLearningRate } from './optimizer.js';
import type { Budget, LearningRateSchedule } from './schedules/index.js';

/** Counts the steps of one training from its start. Does nothing where the learning rate stays as it is. */
export class ScheduleCallback extends tfl.Callback {
  readonly #schedule: LearningRateSchedule | null;
  readonly #learningRate: number;
  readonly #budget: Budget;
  #step = 0;

  constructor(
    readonly optimizer: tf.Optimizer,
    info: OptimizerInfo,
    epochs: number,
    stepsPerEpoch: number,
  ) {
    super();
    this.#schedule = scheduleOf(info);
    this.#learningRate = info.learningRate as number;
    this.#budget = { steps: epochs * stepsPerEpoch, stepsPerEpoch };
  }

  override async onBatchBegin(): Promise<void> {
    if (this.#schedule === null) return;
    setLearningRate(this.optimizer, this.#learningRate * this.#schedule.factor(this.#step++, this.#budget));
  }
}
