// The worker process of the dataset stage: reads one run at a time and writes its samples to a part file.

import { MismatchError } from '../errors.js';
import { serveProcess } from '../jobs/index.js';
import { TRAINED_KINDS } from '../nowcaster/spec.js';
import { extractRun } from './extractRun.js';
import { allocateSlots, SlotPool } from './packets.js';
import { PartWriter } from './part.js';
import { megabytesOf, type PartJob, partId, partPath } from './partJob.js';
import { hashRun } from './runs.js';

serveProcess<PartJob, null>(async ({ task, sha256, out }, { report, signal }) => {
  const { packet } = task;
  if ((await hashRun(task.directory)) !== sha256)
    throw new MismatchError({
      what: 'the run has changed since it was planned',
      where: task.directory,
      remedy: 'plan again when nothing writes to its store',
    });
  const filling = TRAINED_KINDS.reduce((sum, kind) => sum + task.shards[kind], 1);
  const pool = new SlotPool(packet, allocateSlots(packet, filling));
  const writer = new PartWriter(partPath(out, partId(task, sha256)), packet);
  const begin = performance.now();
  const megabytes = megabytesOf(task);
  try {
    const statistics = await extractRun(task, {
      pool,
      sink(filled) {
        writer.write(filled);
        pool.release(filled.slot);
      },
      onAdvance(fraction) {
        signal.throwIfAborted();
        const rate = (1000 * megabytes * fraction) / (performance.now() - begin);
        report({ fraction, detail: `${Math.round(100 * fraction)}%`, rate });
      },
    });
    writer.finish(statistics);
  } catch (error) {
    writer.discard();
    throw error;
  }
  return null;
});
