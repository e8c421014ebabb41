// Trains 200 steps from one seed on each engine that opens here, and prints how far the losses are apart.
//
//   npm run build && node scripts/verify-engines.mjs <samples> [--kind fc] [--adapter NAME]

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { EngineUnavailableError } from '../dist/errors.js';
import { trainNowcaster } from '../dist/train/index.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { kind: { type: 'string', default: 'fc' }, adapter: { type: 'string' } },
});
if (positionals.length !== 1) throw new Error('usage: node scripts/verify-engines.mjs <samples> [--kind fc]');
const out = mkdtempSync(join(tmpdir(), 'wnn-engines-'));
let expected;
let apart = 0;
try {
  for (const engine of ['wasm', 'tensorflow', 'webgpu']) {
    const losses = [];
    try {
      await trainNowcaster({
        samples: positionals[0],
        out: join(out, engine),
        kinds: [values.kind],
        engine,
        adapter: values.adapter,
        steps: 200,
        validationSteps: 10,
        seed: 1,
        onMetrics: (_, { trainLoss }) => losses.push(trainLoss),
      });
    } catch (error) {
      if (!(error instanceof EngineUnavailableError)) throw error;
      console.log(`${engine}: not here: ${error.message}`);
      continue;
    }
    expected ??= losses;
    const worst = Math.max(...losses.map((loss, i) => Math.abs(loss - expected[i])));
    apart = Math.max(apart, worst);
    console.log(
      `${engine}: loss ${losses[0].toFixed(6)} to ${losses.at(-1).toFixed(6)}, ${worst.toExponential(1)} from wasm's`,
    );
  }
} finally {
  rmSync(out, { recursive: true, force: true });
}
process.exit(apart < 1e-3 ? 0 : 1);
