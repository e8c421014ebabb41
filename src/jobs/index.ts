// Work on several processes: lists of independent jobs, what the stages tell of theirs, a pool of workers, and parts of
// lists. What the jobs do is the stages' business; spreading them over machines is that of src/fleet/.

export { JOB_ID_PATTERN, type JobKind, type JobPlaces } from './kind.js';
export { type JobOutcome, type RunJobsOptions, runJobs } from './pool.js';
export { JobProcess } from './process.js';
export type { Job, JobReport } from './protocol.js';
export { type JobContext, serveJobs } from './serve.js';
export { parseShard, type ScheduledShard, type Shard, shardFromEnvironment, takeShard } from './shard.js';
export { limitThreads } from './threads.js';
