// Runs the command line in this process, which saves starting another one: most of what a short command takes.

/** How a command ended. */
export interface Ran {
  status: number;
  out: string;
  err: string;
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/**
 * Runs a command.
 *
 * @param runCommandLine of the sources or of the build.
 */
export async function runInProcess(
  runCommandLine: (words: string[]) => Promise<number>,
  words: readonly string[],
): Promise<Ran> {
  const ran: Ran = { status: -1, out: '', err: '' };
  const [stdout, stderr, log] = [process.stdout.write, process.stderr.write, console.log];
  const listeners = SIGNALS.map((signal) => process.listeners(signal));
  const keep = (stream: 'out' | 'err') => (text: unknown) => {
    ran[stream] += text;
    return true;
  };
  process.stdout.write = keep('out');
  process.stderr.write = keep('err');
  console.log = (text) => keep('out')(`${text}\n`);
  try {
    ran.status = await runCommandLine([...words]);
  } finally {
    process.stdout.write = stdout;
    process.stderr.write = stderr;
    console.log = log;
    // What the command would have done on a signal; its process would have ended.
    for (const [i, signal] of SIGNALS.entries())
      for (const listener of process.listeners(signal))
        if (!listeners[i].includes(listener)) process.off(signal, listener);
  }
  return ran;
}
