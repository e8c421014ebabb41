import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // tfjs keeps its backend in a module-wide singleton: a process a file keeps the files apart.
    pool: 'forks',
    // Much of a test's time is one process that waits for another: a file for each core, where the default leaves one core free.
    maxWorkers: availableParallelism(),
    // For a machine that is busy with other work.
    testTimeout: 180_000,
    hookTimeout: 180_000,
  },
});
