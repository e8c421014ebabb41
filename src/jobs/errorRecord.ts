// How an error crosses from one process or thread to another: as plain data, since classes do not survive the way.

import * as errors from '../errors.js';

/** An error taken apart. */
export interface ErrorRecord {
  name: string;
  message: string;
  stack?: string;
  /** Of a WnnError. */
  parts?: { what: string; where: string; remedy: string };
}

/** Takes apart what was thrown. */
export function encodeError(error: unknown): ErrorRecord {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) };
  const { name, message, stack } = error;
  const parts =
    error instanceof errors.WnnError ? { what: error.what, where: error.where, remedy: error.remedy } : undefined;
  return { name, message, stack, parts };
}

/** The error that was taken apart: a WnnError of its class, any other with its name. */
export function decodeError({ name, message, stack, parts }: ErrorRecord): Error {
  if (parts !== undefined) {
    const known = (errors as unknown as Record<string, typeof errors.WnnError | undefined>)[name];
    return new (known ?? errors.WnnError)(parts);
  }
  const error = new Error(message);
  error.name = name;
  if (stack !== undefined) error.stack = stack;
  return error;
}
