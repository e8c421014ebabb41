// The registry of tasks: what can be trained. A dataset and an architecture that takes such inputs make a task;
// nothing is loaded here.

import { architectureNames, canonicalArchitecture, takesInputs } from '../zoo/index.js';
import { datasetNames, findDataSource } from './dataset.js';
import { unknownName } from './nearestName.js';

/** Something to train: a network of one architecture on one set of data. */
export interface Task {
  /** Dataset and architecture, e.g. `mnist/lenet`. */
  name: string;
  data: string;
  architecture: string;
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
 * The task of that name. An alias of an architecture (`mnist/cnn` for `mnist/simplenet`) gives the task that it stands
 * for.
 *
 * @throws {@link UsageError} naming the nearest and all known ones when there is none.
 */
export function findTask(name: string): Task {
  const [data, alias, ...rest] = name.split('/');
  const architecture = canonicalArchitecture(alias ?? '');
  const canonical = `${data}/${architecture}`;
  if (rest.length > 0 || architecture === undefined || !taskNames().includes(canonical)) {
    throw unknownName('task', name, taskNames());
  }
  return { name: canonical, data, architecture };
}
