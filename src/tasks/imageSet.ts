// The registry of image sets, and their loading. A new set is a file in imageSets/ and a line here.

import { join, resolve } from 'node:path';
import { UsageError } from '../errors.js';
import { Random } from '../random.js';
import { cifar10 } from './imageSets/cifar10.js';
import { fashionMnist } from './imageSets/fashionMnist.js';
import { mnist } from './imageSets/mnist.js';
import type { ImageSource } from './imageSource.js';
import type { ImageExamples, ImageShape } from './images.js';
import { unknownName } from './nearestName.js';
import type { TaskData } from './taskData.js';

/** All image sets. */
const SOURCES: readonly ImageSource[] = [mnist, fashionMnist, cifar10];

/** A set of labelled images with its official division into train and validation (test) part. */
export interface ImageSet extends TaskData {
  readonly inputShape: ImageShape;
  readonly train: ImageExamples;
  readonly validation: ImageExamples;
}

/** Options of {@link loadImageSet}. */
export interface LoadImageSetOptions {
  /** How many training images to keep, drawn at random. Default: all. */
  trainExamples?: number;
  /** How many validation images to keep, drawn at random. Default: all. */
  validationExamples?: number;
  /** Seed of the draw: the same seed keeps the same images. Default 0. */
  seed?: number;
  /** Directory that holds a folder for each image set. Default: `imagesDirectory()`. */
  directory?: string;
}

/** Where image sets are kept by default: `$WNN_IMAGES`, or `data/images` under the working directory. */
export function imagesDirectory(): string {
  return resolve(process.env.WNN_IMAGES || join('data', 'images'));
}

/** Names of all image sets. */
export function imageSetNames(): string[] {
  return SOURCES.map((source) => source.name);
}

/**
 * The image set of that name.
 *
 * @throws {@link UsageError} when there is none.
 */
export function findImageSource(name: string): ImageSource {
  const source = SOURCES.find((candidate) => candidate.name === name);
  if (source === undefined) throw unknownName('image set', name, imageSetNames());
  return source;
}

/**
 * Loads an image set into memory, whole or a random part of it.
 *
 * @throws {@link UsageError} for an unknown name or an impossible number of examples, MissingFileError when the set is
 * not there, CorruptFileError when a file is not what it should be.
 */
export async function loadImageSet(name: string, options: LoadImageSetOptions = {}): Promise<ImageSet> {
  const source = findImageSource(name);
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

function drawExamples(examples: ImageExamples, count: number | undefined, random: Random): ImageExamples {
  if (count === undefined || count >= examples.count) return examples;
  return examples.subset(random.sample(examples.count, count));
}

function checkCount(option: string, count: number | undefined): void {
  if (count === undefined || (Number.isInteger(count) && count > 0)) return;
  throw new UsageError({ what: 'not a number of examples', where: `${option} ${count}`, remedy: 'give 1 or more' });
}
