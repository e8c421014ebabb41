// Independent jobs on several processes: job kinds, executors and shards. The stages define the jobs; src/fleet/ runs them
// on several machines.

export type { JobExecutor, JobList, JobOutcome } from './executor.js';
export { JOB_ID_PATTERN, type JobKind, type JobPlaces } from './kind.js';
export { JobProcess } from './process.js';
export { type ProcessExecutorOptions, processExecutor } from './processExecutor.js';
export type { Job, JobReport } from './protocol.js';
export { type JobContext, serveProcess } from './serve.js';
export { parseShard, type ScheduledShard, type Shard, shardFromEnvironment, takeShard } from './shard.js';
export { limitThreads } from './threads.js';
