// The description of a stage's jobs, so that processes, shards and workers of a queue do the same work and know when it is
// done. Each stage has one.

import type { EngineRequest } from '../engine/engine.js';

/** The paths and devices of the machine that runs a job. */
export interface JobPlaces {
  /** Directory of the plan, with the results and the inputs that the plan prepared for its jobs. */
  directory: string;
  /** Directory to write to; complete outputs are moved to `directory` afterwards. */
  staging: string;
  /** Engine that replaces a plan's `auto`. */
  engine?: EngineRequest;
  /** GPU of this machine for webgpu, or a part of its name; undefined: the system default. */
  adapter?: string;
  /** Directory of the image datasets on this machine; undefined: the default. */
  images?: string;
  /** The path of an input, from its name in the queue. Throws when it is outside the shared directory. */
  resolve(name: string): string;
}

/** A kind of jobs. */
export interface JobKind<Spec> {
  /** The stage: `collect`, `dataset`, `evaluate`. */
  name: string;
  /** Compiled module of the worker process; it calls `serveProcess`. */
  entry: URL;
  /** Environment variables for `processes` processes on this machine. Default: none. */
  env?(processes: number): Record<string, string>;
  /** Whether the result of a job exists and is complete. */
  isDone(directory: string, id: string): boolean;
  /** Outputs of a job, as paths within its directory, in the order of publication. */
  outputsOf(id: string): string[];
  /** Size of a job, in `unit`s. */
  unitsOf(spec: Spec): number;
  /** Plural name of the unit: `epochs`. */
  unit: string;
  /** Unit of the reported rates: `images`. */
  rateUnit?: string;
  /** The job as plain data without local paths: `share` maps a path to a name that is valid on all machines. */
  pack(spec: Spec, share: (path: string) => string): unknown;
  /**
   * The job from packed data, which is untrusted.
   *
   * @throws UsageError when it is not a job of this kind, its sizes exceed the limits, or the id does not match its content.
   */
  unpack(data: unknown, id: string, places: JobPlaces): Spec;
}

/** Job ids: valid file names on any system. */
export const JOB_ID_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,219}$/;
