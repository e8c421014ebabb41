// The registry of tasks: what can be trained. An image set and an architecture make a task; nothing is loaded here.

import { architectureNames, canonicalArchitecture } from '../zoo/index.js';
import { imageSetNames } from './imageSet.js';
import { unknownName } from './nearestName.js';

/** Something to train: a network of one architecture on one set of data. */
export interface Task {
  /** Image set and architecture, e.g. `mnist/lenet`. */
  name: string;
  imageSet: string;
  architecture: string;
}

/** Names of all tasks, without aliases. */
export function taskNames(): string[] {
  return imageSetNames().flatMap((imageSet) =>
    architectureNames().map((architecture) => `${imageSet}/${architecture}`),
  );
}

/**
 * The task of that name. An alias of an architecture (`mnist/cnn` for `mnist/simplenet`) gives the task that it stands
 * for.
 *
 * @throws {@link UsageError} naming the nearest and all known ones when there is none.
 */
export function findTask(name: string): Task {
  const [imageSet, alias, ...rest] = name.split('/');
  const architecture = canonicalArchitecture(alias ?? '');
  if (rest.length > 0 || architecture === undefined || !imageSetNames().includes(imageSet)) {
    throw unknownName('task', name, taskNames());
  }
  return { name: `${imageSet}/${architecture}`, imageSet, architecture };
}
