// Serializes errors between processes or threads as plain data, since structured cloning loses their classes.

import * as errors from '../errors.js';

/** A serialized error. */
export interface ErrorRecord {
  name: string;
  message: string;
  stack?: string;
  /** The parts of a WnnError. */
  parts?: { what: string; where: string; remedy: string };
}

/** Serializes a thrown value. */
export function encodeError(error: unknown): ErrorRecord {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) };
  const { name, message, stack } = error;
  const parts =
    error instanceof errors.WnnError ? { what: error.what, where: error.where, remedy: error.remedy } : undefined;
  return { name, message, stack, parts };
}

/** Restores an error: a WnnError with its class, any other with its name. */
export function decodeError({ name, message, stack, parts }: ErrorRecord): Error {
  if (parts !== undefined) {
    const known = (errors as Record<string, typeof errors.WnnError | undefined>)[name];
    return new (known ?? errors.WnnError)(parts);
  }
  const error = new Error(message);
  error.name = name;
  if (stack !== undefined) error.stack = stack;
  return error;
}
