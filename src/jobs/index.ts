// Work on several processes: lists of independent jobs, what the stages tell of theirs, who does them, and parts of lists.
// What the jobs do is the stages' business; spreading them over machines is that of src/fleet/.

export type { JobExecutor, JobList, JobOutcome } from './executor.js';
export { JOB_ID_PATTERN, type JobKind, type JobPlaces } from './kind.js';
export { JobProcess } from './process.js';
export { type ProcessExecutorOptions, processExecutor } from './processExecutor.js';
export type { Job, JobReport } from './protocol.js';
export { type JobContext, serveProcess } from './serve.js';
export { parseShard, type ScheduledShard, type Shard, shardFromEnvironment, takeShard } from './shard.js';
export { limitThreads } from './threads.js';
