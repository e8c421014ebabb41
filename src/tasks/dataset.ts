// The registry of datasets, and their loading. A new set is a file in sources/ and a line here.

import { join, resolve } from 'node:path';
import { UsageError } from '../errors.js';
import { Random } from '../random.js';
import type { DataSource } from './dataSource.js';
import { unknownName } from './nearestName.js';
import { cifar10 } from './sources/cifar10.js';
import { fashionMnist } from './sources/fashionMnist.js';
import { mnist } from './sources/mnist.js';
import { text } from './sources/text.js';
import type { Examples, TaskData } from './taskData.js';

/** All datasets. */
const SOURCES: DataSource[] = [mnist, fashionMnist, cifar10, text];

/** Options of {@link loadDataset}. */
export interface LoadDatasetOptions {
  /** How many training examples to keep, drawn at random. Default: all. */
  trainExamples?: number;
  /** How many validation examples to keep, drawn at random. Default: all. */
  validationExamples?: number;
  /** Seed of the draw: the same seed keeps the same examples. Default 0. */
  seed?: number;
  /** Directory that holds a folder for each image dataset. Default: `imagesDirectory()`. */
  directory?: string;
}

/** Where image datasets are kept by default: `$WNN_IMAGES`, or `data/images` under the working directory. */
export function imagesDirectory(): string {
  return resolve(process.env.WNN_IMAGES || join('data', 'images'));
}

/**
 * Adds a dataset of your own. Every architecture that takes its inputs trains on it.
 *
 * @throws Error when there is one of that name.
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
 * The source of the dataset of that name.
 *
 * @throws {@link UsageError} when there is none.
 */
export function findDataSource(name: string): DataSource {
  const source = SOURCES.find((candidate) => candidate.name === name);
  if (source === undefined) throw unknownName('dataset', name, datasetNames());
  return source;
}

/**
 * Loads a dataset into memory, whole or a random part of it.
 *
 * @throws {@link UsageError} for an unknown name or an impossible number of examples, MissingFileError when the set is
 * not there, CorruptFileError when a file is not what it should be.
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
