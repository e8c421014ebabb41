// The checks that need a network or minutes, which `npm test` leaves out: `npm run verify:package`, `npm run verify:docs`.

import { defineConfig } from 'vitest/config';
import config from './vitest.config.js';

export default defineConfig({ test: { ...config.test, include: ['test/**/*.verify.ts'] } });
