// The errors that a user can cause. Each says what happened, where, and what to do; the command line prints that one
// line without a stack. Anything else that is thrown is a fault of ours and keeps its stack.

import { printableLine } from './printable.js';

/** Names and values in a message are cut to this length. */
const LONGEST_PART = 1000;

/** What a {@link WnnError} is made of. */
export interface WnnErrorParts {
  /** What happened, without a full stop: `no complete run`. */
  what: string;
  /** The file, directory, option or value that it happened to. */
  where: string;
  /** What the user can do about it: `record at least 10 epochs`. */
  remedy: string;
  /** The error underneath, if any. */
  cause?: unknown;
}

/** A part of a message as it may be shown: it may quote a file or an argument. */
function showPart(text: string): string {
  const cut = text.length > LONGEST_PART ? `${text.slice(0, LONGEST_PART)}...` : text;
  return printableLine(cut);
}

/**
 * Base of all errors that a user can cause. Its message reads `what: where; what to do`, on one line and without control
 * characters.
 */
export class WnnError extends Error {
  /** Exit status of the command line: 1, or 2 for usage. */
  readonly exitCode: number = 1;
  readonly what: string;
  readonly where: string;
  readonly remedy: string;

  constructor({ what, where, remedy, cause }: WnnErrorParts) {
    super(`${showPart(what)}: ${showPart(where)}; ${showPart(remedy)}`, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.what = what;
    this.where = where;
    this.remedy = remedy;
  }
}

/** The command or an option was wrong: unknown name, impossible value. */
export class UsageError extends WnnError {
  override readonly exitCode: number = 2;
}

/** A well-formed command named something that does not exist: a task, a dataset, an optimizer. */
export class UnknownNameError extends UsageError {}

/** A file or directory that was named does not exist or cannot be read. */
export class MissingFileError extends WnnError {}

/** A file is there but its content is not what its format demands: truncated, corrupt, of another type. */
export class CorruptFileError extends WnnError {}

/** A file of this toolkit has a schema version that this toolkit version does not read. */
export class SchemaVersionError extends WnnError {}

/** The input is well-formed but not enough for the work: no complete run, too few epochs, an empty kind. */
export class InsufficientDataError extends WnnError {}

/** The disk was full, or the file could not be written for another reason. */
export class WriteError extends WnnError {}

/** The compute engine that was asked for cannot be opened here. */
export class EngineUnavailableError extends WnnError {}

/** The work needs more memory than the engine has. */
export class OutOfMemoryError extends WnnError {}

/** A model, spec or set of weights does not fit what it is used for. */
export class MismatchError extends WnnError {}

/** A queue of jobs cannot be reached or used, or this machine cannot do its jobs. */
export class QueueError extends WnnError {}
