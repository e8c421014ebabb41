// Runs peers.py: the same training and applying in PyTorch or Keras. PYTHON names the interpreter (default python3).

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** How fast one kind of work went with one batch. */
export interface Rate {
  work: 'train' | 'apply';
  batch: number;
  /** Samples trained on, or scalars forecast, a second. */
  perSecond: number;
}

/** Rates of one peer (`torch`, `torch.compile`, `keras`), or an error that says why there are none. */
export async function measurePeer(peer: string, flags: readonly string[]): Promise<Rate[]> {
  const script = fileURLToPath(new URL('peers.py', import.meta.url));
  const child = spawn(process.env.PYTHON ?? 'python3', [script, peer, ...flags], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let text = '';
  child.stdout.on('data', (chunk) => {
    text += chunk;
  });
  await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
  const lines = text.trim().split('\n').filter(Boolean);
  if (lines.length === 0) throw new Error('peers.py printed nothing');
  return lines.map((line) => {
    const row = JSON.parse(line);
    if (row.error !== undefined) throw new Error(row.error);
    return { work: row.work, batch: row.batch, perSecond: row.per_second };
  });
}
