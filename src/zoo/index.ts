// The model zoo: the registry of architectures, which builds networks. A new architecture is a file here and a line in
// ARCHITECTURES.

import * as tfl from '@tensorflow/tfjs-layers';
import { MismatchError, UsageError } from '../errors.js';
import type { Architecture, ModelOptions } from './architecture.js';
import { chargru } from './chargru.js';
import { densenet } from './densenet.js';
import { gpt } from './gpt.js';
import { LayerKit } from './layerKit.js';
import { lenet } from './lenet.js';
import { mlp } from './mlp.js';
import { mobilenet } from './mobilenet.js';
import { mobilenetv2 } from './mobilenetv2.js';
import { completeOptions, type DeclaredOptions, WIDTH } from './options.js';
import { resnet8, resnet14, resnet20, resnet32 } from './resnet.js';
import { shufflenetv2 } from './shufflenetv2.js';
import { simplenet } from './simplenet.js';
import { vgg, vgg11 } from './vgg.js';

export type { ModelOptions } from './architecture.js';

const ARCHITECTURES: Architecture[] = [
  simplenet,
  lenet,
  mlp,
  vgg,
  vgg11,
  resnet8,
  resnet14,
  resnet20,
  resnet32,
  mobilenet,
  mobilenetv2,
  shufflenetv2,
  densenet,
  chargru,
  gpt,
];

/**
 * Registers a custom architecture. It forms a task with every dataset whose inputs it accepts.
 *
 * @throws Error when the name is taken.
 */
export function registerArchitecture(architecture: Architecture): void {
  const { name } = architecture;
  if (canonicalArchitecture(name) !== undefined) throw new Error(`there is an architecture ${name} already`);
  ARCHITECTURES.push(architecture);
}

/** Names of all architectures, without aliases. */
export function architectureNames(): string[] {
  return ARCHITECTURES.map((architecture) => architecture.name);
}

/** The aliases of an architecture, by its name. */
export function aliasesOf(name: string): readonly string[] {
  return ARCHITECTURES.find((candidate) => candidate.name === name)?.aliases ?? [];
}

/** Resolves a name or alias; `undefined` when there is no such architecture. */
export function canonicalArchitecture(name: string): string | undefined {
  return ARCHITECTURES.find((candidate) => candidate.name === name || candidate.aliases?.includes(name))?.name;
}

/** Whether an architecture accepts inputs of that shape. */
export function takesInputs(architecture: string, inputShape: readonly number[]): boolean {
  return findArchitecture(architecture).inputRank === inputShape.length;
}

/** All options of an architecture. @throws {@link UsageError} when there is no such architecture. */
export function optionsOf(architecture: string): DeclaredOptions {
  return { width: WIDTH, ...findArchitecture(architecture).options };
}

function findArchitecture(architecture: string): Architecture {
  const name = canonicalArchitecture(architecture);
  const found = ARCHITECTURES.find((candidate) => candidate.name === name);
  if (found !== undefined) return found;
  throw new UsageError({
    what: 'unknown architecture',
    where: architecture,
    remedy: `known: ${architectureNames().join(', ')}`,
  });
}

/**
 * Builds an uncompiled network that ends in class probabilities (softmax). The same options always give the same layer
 * names and initial weights. Take names of weights from `originalName`: tfjs appends a number to `name` when it was used
 * before in the process.
 *
 * @param architecture name or alias.
 * @returns the network; the caller disposes of it.
 * @throws {@link UsageError} for an unknown architecture or option, {@link MismatchError} when it does not accept such inputs.
 */
export function buildModel(
  architecture: string,
  { inputShape, classes, seed, options }: ModelOptions,
): tfl.LayersModel {
  const found = findArchitecture(architecture);
  const { name } = found;
  const values = completeOptions(name, optionsOf(name), options ?? {});
  if (inputShape.length !== found.inputRank) {
    throw new MismatchError({
      what: `inputs of shape [${inputShape}] do not fit`,
      where: name,
      remedy: `give inputs of rank ${found.inputRank}`,
    });
  }
  const kit = new LayerKit(seed, values.width as number);
  const input = tfl.input({ shape: [...inputShape], name: 'input' });
  const built = found.build(input, kit, values);
  const outputs = found.outputsClasses ? built : kit.dense(built, 'classes', classes, 'softmax');
  return tfl.model({ inputs: input, outputs, name: name.replaceAll('-', '_') });
}
