// The registry of datasets, and their loading. A new dataset is a file in sources/ and a line here.

import { join, resolve } from 'node:path';
import { UsageError } from '../errors.js';
import { unknownName } from '../nearestName.js';
import { Random } from '../random.js';
import type { DataSource } from './dataSource.js';
import { bible } from './sources/bible.js';
import { cifar10 } from './sources/cifar10.js';
import { fashionMnist } from './sources/fashionMnist.js';
import { mnist } from './sources/mnist.js';
import { text } from './sources/text.js';
import type { Examples, TaskData } from './taskData.js';

/** All datasets. */
const SOURCES: DataSource[] = [mnist, fashionMnist, cifar10, text, bible];

/** Options of {@link loadDataset}. */
export interface LoadDatasetOptions {
  /** Number of training examples, drawn at random. Default: all. */
  trainExamples?: number;
  /** Number of validation examples, drawn at random. Default: all. */
  validationExamples?: number;
  /** Seed of the draw. Default 0. */
  seed?: number;
  /** Directory that holds a folder for each image dataset. Default: `imagesDirectory()`. */
  directory?: string;
}

/** The default directory of image datasets: `$WNN_IMAGES`, or `data/images` under the working directory. */
export function imagesDirectory(): string {
  return resolve(process.env.WNN_IMAGES || join('data', 'images'));
}

/**
 * Registers a custom dataset. It forms a task with every architecture that accepts its inputs.
 *
 * @throws Error when the name is taken.
 */
export function registerDataSource(source: DataSource): void {
  if (datasetNames().includes(source.name)) throw new Error(`there is a dataset ${source.name} already`);
  SOURCES.push(source);
}

/** Names of all datasets. */
export function datasetNames(): string[] {
  return SOURCES.map((source) => source.name);
}

/**
 * Finds a dataset by name.
 *
 * @throws {@link UsageError} when there is none.
 */
export function findDataSource(name: string): DataSource {
  const source = SOURCES.find((candidate) => candidate.name === name);
  if (source === undefined) throw unknownName('dataset', name, datasetNames());
  return source;
}

/**
 * Loads a dataset, or a random subset of it, into memory.
 *
 * @throws {@link UsageError} for an unknown name or an impossible number of examples, MissingFileError when its
 * files do not exist, CorruptFileError when the content of a file is invalid.
 */
export async function loadDataset(name: string, options: LoadDatasetOptions = {}): Promise<TaskData> {
  const source = findDataSource(name);
  checkCount('trainExamples', options.trainExamples);
  checkCount('validationExamples', options.validationExamples);
  const { train, validation } = source.read(join(options.directory ?? imagesDirectory(), name));
  const seed = options.seed ?? 0;
  return {
    name,
    inputShape: source.inputShape,
    classes: source.classes,
    train: drawExamples(train, options.trainExamples, new Random(seed, 'images', name, 'train')),
    validation: drawExamples(validation, options.validationExamples, new Random(seed, 'images', name, 'validation')),
  };
}

function drawExamples(examples: Examples, count: number | undefined, random: Random): Examples {
  if (count === undefined || count >= examples.count) return examples;
  return examples.subset(random.sample(examples.count, count));
}

function checkCount(option: string, count: number | undefined): void {
  if (count === undefined || (Number.isInteger(count) && count > 0)) return;
  throw new UsageError({ what: 'not a number of examples', where: `${option} ${count}`, remedy: 'give 1 or more' });
}
