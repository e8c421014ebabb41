// The registry of tasks. A task is a dataset with an architecture that accepts its inputs. No data is loaded here.

import type { UnknownNameError } from '../errors.js';
import { unknownName } from '../nearestName.js';
import { aliasesOf, architectureNames, canonicalArchitecture, optionsOf, takesInputs } from '../zoo/index.js';
import { type ArchitectureOptions, completeOptions, formatOptions, parseOptions } from '../zoo/options.js';
import { datasetNames, findDataSource } from './dataset.js';
import { ACCURACY, type Metric } from './metric.js';

/** A training task: an architecture with its options on a dataset. */
export interface Task {
  /** Dataset, architecture, and the options that differ from its defaults: `mnist/lenet`, `text/gpt?depth=2`. */
  name: string;
  data: string;
  architecture: string;
  /** The options that differ from the architecture's defaults. */
  options: ArchitectureOptions;
  /** The validation metric by which its trainings are compared. */
  metric: Metric;
}

/** Names of all tasks, without aliases and options. */
export function taskNames(): string[] {
  return datasetNames().flatMap((data) => {
    const { inputShape } = findDataSource(data);
    return architectureNames()
      .filter((architecture) => takesInputs(architecture, inputShape))
      .map((architecture) => `${data}/${architecture}`);
  });
}

/** Every task name that is accepted, and what aliases stand for: `{mnist, cifar10}/{lenet, simplenet, cnn (simplenet)}`. */
function taskList(): string {
  const groups = new Map<string, string[]>();
  for (const data of datasetNames()) {
    const { inputShape } = findDataSource(data);
    const architectures = architectureNames()
      .filter((architecture) => takesInputs(architecture, inputShape))
      .flatMap((architecture) => [
        architecture,
        ...aliasesOf(architecture).map((alias) => `${alias} (${architecture})`),
      ])
      .join(', ');
    groups.set(architectures, [...(groups.get(architectures) ?? []), data]);
  }
  return [...groups].map(([architectures, data]) => `{${data.join(', ')}}/{${architectures}}`).join(' ');
}

/** The error for an unknown task. */
function unknownTask(name: string): UnknownNameError {
  const known = taskNames().flatMap((task) => {
    const [data, architecture] = task.split('/');
    return [task, ...aliasesOf(architecture).map((alias) => `${data}/${alias}`)];
  });
  return unknownName('task', name, known, [taskList()]);
}

/**
 * Finds a task by name. Aliases of architectures are resolved: `mnist/cnn` is `mnist/simplenet`. Options follow a question
 * mark: `text/gpt?depth=2&heads=2`; in the task's own name they stand in one order, without those that are the default.
 *
 * @throws {@link UsageError} with the nearest and all known names when there is none, and for impossible options.
 */
export function findTask(name: string): Task {
  const [path, ...queries] = name.split('?');
  const [data, alias, ...rest] = path.split('/');
  const architecture = canonicalArchitecture(alias ?? '');
  const canonical = `${data}/${architecture}`;
  if (rest.length > 0 || architecture === undefined || !taskNames().includes(canonical)) {
    throw unknownTask(path);
  }
  const declared = optionsOf(architecture);
  const all = completeOptions(
    architecture,
    declared,
    queries.length === 0 ? {} : parseOptions(queries.join('?'), name),
  );
  const options = Object.fromEntries(Object.entries(all).filter(([key, value]) => value !== declared[key].default));
  return {
    name: `${canonical}${formatOptions(declared, options)}`,
    data,
    architecture,
    options,
    metric: findDataSource(data).metric ?? ACCURACY,
  };
}

/** A task's name as a part of file names: letters, digits, `.`, `_`, `-`. */
export function taskSlug(name: string): string {
  return name.replaceAll(/[^\w.-]+/g, '-');
}
