// What a stage tells of its jobs, so that whoever does them, processes, a shard or a worker of a queue, does the same work
// and knows when it is done. Each stage has one.

import type { EngineRequest } from '../engine/engine.js';

/** Where a job is done. */
export interface JobPlaces {
  /** Directory of the plan: results are there, and what the plan prepared for all its jobs. */
  directory: string;
  /** Directory to write to; what is whole there is moved to `directory` afterwards. */
  staging: string;
  /** Engine in place of a plan's `auto`. */
  engine?: EngineRequest;
  /** GPU of this machine for webgpu, or a part of its name; undefined: the one that the system prefers. */
  adapter?: string;
  /** Directory of the image datasets on this machine; undefined: the default. */
  images?: string;
  /** Path of something the job reads, from its name in the queue. Throws when it leads out of the shared directory. */
  resolve(name: string): string;
}

/** One kind of jobs. */
export interface JobKind<Spec> {
  /** The stage: `collect`, `dataset`, `evaluate`. */
  name: string;
  /** Compiled module of the worker process; it calls `serveProcess`. */
  entry: URL;
  /** Environment variables of the processes where so many share this machine. Default: none. */
  env?(processes: number): Record<string, string>;
  /** Whether the result of a job is there, and whole. */
  isDone(directory: string, id: string): boolean;
  /** What a job writes, as paths within its directory, in the order in which they may appear. */
  outputsOf(id: string): string[];
  /** Size of a job, in `unit`s. */
  unitsOf(spec: Spec): number;
  /** Units in the plural: `epochs`. */
  unit: string;
  /** What the rates of reports count: `images`. */
  rateUnit?: string;
  /** The job as plain data without places of this machine: `share` names a path that all machines see. */
  pack(spec: Spec, share: (path: string) => string): unknown;
  /**
   * The job from such data, which may come from anyone.
   *
   * @throws UsageError when it is not a job of this kind, or its sizes are absurd, or the id is not that of its content.
   */
  unpack(data: unknown, id: string, places: JobPlaces): Spec;
}

/** Ids of jobs: names of files on any system. */
export const JOB_ID_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._-]{0,219}$/;
