// The registry of tasks. A task is a dataset with an architecture that accepts its inputs. No data is loaded here.

import { architectureNames, canonicalArchitecture, takesInputs } from '../zoo/index.js';
import { datasetNames, findDataSource } from './dataset.js';
import { ACCURACY, type Metric } from './metric.js';
import { unknownName } from './nearestName.js';

/** A training task: an architecture on a dataset. */
export interface Task {
  /** Dataset and architecture, e.g. `mnist/lenet`. */
  name: string;
  data: string;
  architecture: string;
  /** The validation metric by which its trainings are compared. */
  metric: Metric;
}

/** Names of all tasks, without aliases. */
export function taskNames(): string[] {
  return datasetNames().flatMap((data) => {
    const { inputShape } = findDataSource(data);
    return architectureNames()
      .filter((architecture) => takesInputs(architecture, inputShape))
      .map((architecture) => `${data}/${architecture}`);
  });
}

/**
 * Finds a task by name. Aliases of architectures are resolved: `mnist/cnn` is `mnist/simplenet`.
 *
 * @throws {@link UsageError} with the nearest and all known names when there is none.
 */
export function findTask(name: string): Task {
  const [data, alias, ...rest] = name.split('/');
  const architecture = canonicalArchitecture(alias ?? '');
  const canonical = `${data}/${architecture}`;
  if (rest.length > 0 || architecture === undefined || !taskNames().includes(canonical)) {
    throw unknownName('task', name, taskNames());
  }
  return { name: canonical, data, architecture, metric: findDataSource(data).metric ?? ACCURACY };
}
