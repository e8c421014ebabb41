import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import yargs from 'yargs';
import { dataCommand } from '../../src/cli/data.js';
import { UsageError } from '../../src/errors.js';

// Handlers of signals would outlive the test.
vi.mock('../../src/cli/terminal.js', async (original) => ({
  ...(await original<typeof import('../../src/cli/terminal.js')>()),
  interruptSignal: () => new AbortController().signal,
}));

/** What `wnn data ...` prints. */
async function runData(...words: string[]): Promise<string> {
  const print = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  try {
    await yargs(['data', ...words])
      .option('json', { type: 'boolean', global: true })
      .option('quiet', { type: 'boolean', default: true, global: true })
      .command(dataCommand)
      .exitProcess(false)
      .fail((message, error) => {
        throw error ?? new Error(message);
      })
      .parseAsync();
    return print.mock.calls.map(([text]) => text).join('');
  } finally {
    print.mockRestore();
  }
}

const directory = mkdtempSync(join(tmpdir(), 'data-'));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe('wnn data', () => {
  it('lists the image datasets and what is missing', async () => {
    const { datasets } = JSON.parse(await runData('list', '--json', '--images', directory));
    const states = Object.fromEntries(datasets.map(({ name, state }: Record<string, string>) => [name, state]));
    expect(states).toEqual({
      mnist: 'installed',
      bible: 'absent',
      'fashion-mnist': 'absent',
      cifar10: 'absent',
      text: 'installed',
    });
    expect(await runData('list', '--images', directory)).toMatch(/cifar10 +absent +32x32x3 +10 +170 MB/);
  });

  it('gets a set that needs no download', async () => {
    expect(await runData('get', 'mnist')).toMatch(/mnist: installed, 60,000 \+ 10,000 images, 55 MB/);
  });

  it('refuses an unknown set and a directory without the files', async () => {
    await expect(runData('get', 'cifar')).rejects.toThrow(UsageError);
    await expect(runData('get', 'cifar')).rejects.toThrow(/did you mean cifar10\?/);
    await expect(runData('get', 'cifar10', '--images', directory, '--from', '/nowhere')).rejects.toThrow(
      /cifar10 has no data_batch_1.bin: \/nowhere;/,
    );
  });
});
