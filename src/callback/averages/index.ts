// The registry of averages, and the text that names one: `ema:0.99`, `lawa:5`, `swa:0.75`.

import { UnknownNameError, UsageError } from '../../errors.js';
import type { AverageDefinition, WeightAverage } from './average.js';
import { ema } from './ema.js';
import { lawa } from './lawa.js';
import { swa } from './swa.js';

export type { AverageDefinition, AverageState, NetworkWeights, WeightAverage } from './average.js';

/** All averages. */
export const AVERAGES = [ema, lawa, swa] as const satisfies readonly AverageDefinition[];

/** A kind of average with its number. */
export interface Averaging {
  definition: AverageDefinition;
  parameter: number;
}

/**
 * An average by name.
 *
 * @param parameter its number. Default: that of the average.
 * @throws {@link UsageError} for an unknown name or an impossible number.
 */
export function findAveraging(name: string, parameter?: number): Averaging {
  const definition = AVERAGES.find((candidate) => candidate.name === name);
  if (definition === undefined) {
    const known = AVERAGES.map((candidate) => candidate.name).join(', ');
    throw new UnknownNameError({ what: 'unknown average', where: String(name), remedy: `known: ${known}` });
  }
  const { name: key, values, default: byDefault, isValid } = definition.parameter;
  const value = parameter ?? byDefault;
  if (isValid(value)) return { definition, parameter: value };
  throw new UsageError({ what: `impossible ${key} of ${name}`, where: String(value), remedy: `give ${values}` });
}

/**
 * The average that a text names: its name, and its number behind `:` or `=`.
 *
 * @throws {@link UsageError} as {@link findAveraging}.
 */
export function parseAveraging(text: string): Averaging {
  const [, name, , number] = /^([^:=]*)([:=](.*))?$/s.exec(text) as unknown as (string | undefined)[];
  const value = number === undefined ? undefined : number.trim() === '' ? Number.NaN : Number(number);
  return findAveraging(name as string, value);
}

/** The one spelling of an averaging: `ema:0.99`. */
export function printAveraging({ definition, parameter }: Averaging): string {
  return `${definition.name}:${parameter}`;
}

/** The average itself, for one training. */
export function createAverage({ definition, parameter }: Averaging): WeightAverage {
  return definition.create(parameter);
}
