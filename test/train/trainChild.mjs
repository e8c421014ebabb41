// Runs the built train stage in a process of its own, which a test can kill. Prints a line for each validation.
// Usage: node trainChild.mjs OPTIONS_JSON

import { trainNowcaster } from '../../dist/train/index.js';

const onMetrics = (kind, { step }) => process.stdout.write(`${kind} ${step}\n`);
try {
  await trainNowcaster({ ...JSON.parse(process.argv[2]), onMetrics });
} catch (error) {
  process.stderr.write(`${error.name}: ${error.message}\n`);
  process.exitCode = 1;
}
