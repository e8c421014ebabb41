// The validation metric by which the trainings of a task are compared, and the metrics that follow from the loss. Nothing is
// measured here.

/** A metric of a training, as plain data. */
export interface Metric {
  /** Its name in run records and histories, e.g. `val_acc`. */
  readonly name: string;
  /** For people, without "validation": `accuracy`. */
  readonly label: string;
  /** Which of two values is the better one. */
  readonly better: 'higher' | 'lower';
}

/** Share of correct predictions, 0 to 1: of images, or of characters. */
export const ACCURACY: Metric = { name: 'val_acc', label: 'accuracy', better: 'higher' };

/** exp(mean cross-entropy in nats of the next character), from 1. */
export const PERPLEXITY: Metric = { name: 'val_perplexity', label: 'perplexity', better: 'lower' };

/** Mean cross-entropy of the training batches of an epoch. Every training has it. */
export const TRAINING_LOSS: Metric = { name: 'loss', label: 'training loss', better: 'lower' };

/** Whether a value is strictly better than another one; false where one of them is NaN. */
export function isBetter({ better }: Pick<Metric, 'better'>, value: number, than: number): boolean {
  return better === 'higher' ? value > than : value < than;
}

/** Adds `perplexity` and `val_perplexity` to the metrics of an epoch, in place, where the task is compared by perplexity. */
export function addLossMetrics(metrics: Record<string, number>, { name }: Metric): void {
  if (name !== PERPLEXITY.name) return;
  for (const prefix of ['', 'val_'])
    if (`${prefix}loss` in metrics) metrics[`${prefix}perplexity`] = Math.exp(metrics[`${prefix}loss`]);
}
