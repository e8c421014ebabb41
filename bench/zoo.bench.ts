// How fast the networks of the suite `small` train on the wasm engine, one thread, and text/gpt beside PyTorch on one thread.
//
//   npm run bench:zoo -- [--json] [--rounds 3] [--steps 12]
//
// PYTHON names the interpreter that has PyTorch (default python3); without it that row says why. Rates are examples a second
// of processor time, so that other work on the machine counts little; the best of the rounds. The data are random.

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { formatTable } from '../src/cli/table.js';
import { openEngine } from '../src/engine/index.js';
import { Random } from '../src/random.js';
import { findDataSource } from '../src/tasks/dataset.js';
import { ImageExamples } from '../src/tasks/images.js';
import { findSuite } from '../src/tasks/suites/index.js';
import { findTask } from '../src/tasks/task.js';
import type { Examples } from '../src/tasks/taskData.js';
import { TextExamples } from '../src/tasks/text.js';
import { trainTask } from '../src/tasks/trainTask.js';

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '3' },
    steps: { type: 'string', default: '12' },
  },
});
const rounds = Number(options.rounds);
const steps = Number(options.steps);

function randomExamples(shape: readonly number[], classes: number, count: number): Examples {
  const random = new Random('bench');
  const draw = (length: number, below: number) => Uint8Array.from({ length }, () => random.below(below));
  if (shape.length === 2) return new TextExamples(draw(count * shape[0] + 1, classes), shape[0], classes);
  const [height, width, channels] = shape;
  return new ImageExamples(
    [height, width, channels],
    draw(count * height * width * channels, 256),
    draw(count, classes),
  );
}

/** Examples a second of processor time, without the first steps, which compile. */
async function measure(name: string, batchSize: number): Promise<number> {
  const task = findTask(name);
  const { inputShape, classes } = findDataSource(task.data);
  const train = randomExamples(inputShape, classes, batchSize * steps);
  const validation = train.subset(Uint32Array.of(0));
  let begin = process.cpuUsage();
  let best = 0;
  await trainTask({
    task,
    data: { name: task.data, inputShape, classes, train, validation },
    seed: 1,
    epochs: rounds + 1,
    batchSize,
    optimizer: { name: 'adam', learningRate: 0.001 },
    onEpoch: ({ epoch }) => {
      const { user, system } = process.cpuUsage(begin);
      if (epoch > 0) best = Math.max(best, train.count / ((user + system) / 1e6));
      begin = process.cpuUsage();
    },
  });
  return best;
}

interface Row {
  task: string;
  peer: string;
  /** null with the reason in `note`. */
  rate: number | null;
  note: string;
}

/** PyTorch's rate on text/gpt with its default options. */
function measurePeer(batchSize: number): Row {
  const script = fileURLToPath(new URL('gpt_peer.py', import.meta.url));
  const row = { task: 'bible/gpt', peer: 'PyTorch, one thread' };
  try {
    const words = [script, '--rounds', String(rounds), '--steps', String(steps), '--batch', String(batchSize)];
    const rate = Number(execFileSync(process.env.PYTHON ?? 'python3', words, { encoding: 'utf8' }));
    return { ...row, rate, note: `${Math.round(64 * rate)} characters/s` };
  } catch (error) {
    return { ...row, rate: null, note: String(error instanceof Error ? error.message : error).split('\n')[0] };
  }
}

const engine = await openEngine('wasm');
const rows: Row[] = [];
for (const { task, batchSize } of [...findSuite('small').entries, { task: 'bible/gpt', batchSize: 32 }]) {
  const [steps] = findDataSource(findTask(task).data).inputShape;
  const rate = await measure(task, batchSize);
  const note = task.startsWith('bible/') ? `${Math.round(steps * rate)} characters/s` : '';
  rows.push({ task, peer: engine.description, rate, note });
}
rows.push(measurePeer(32));
if (options.json) console.log(JSON.stringify(rows));
else {
  const cells = rows.map(({ task, peer, rate, note }) => [task, peer, rate === null ? '-' : rate.toFixed(0), note]);
  console.log(formatTable(['task', 'by', 'examples/s', ''], cells, 2));
}
