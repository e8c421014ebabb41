// Work on several processes: a list of independent jobs and a pool of workers. What the jobs do is the stages' business.

export { type JobOutcome, type RunJobsOptions, runJobs } from './pool.js';
export type { Job, JobReport } from './protocol.js';
export { type JobContext, serveJobs } from './serve.js';
