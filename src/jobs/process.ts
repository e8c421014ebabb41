// One worker process, which runs one job at a time. The caller replaces it when it ends.
//
// No pool on npm reports a worker's last output when it dies and lets an aborted job stop cleanly and return its state:
// tinypool 2.2 writes the output of its processes to our stdout, which is for results, and kills them on abort; workerpool
// 10.0 reports the end at `exit`, before the last output, and drops the result of a canceled task; piscina 5.3 has only
// threads, and a crash in an engine's native library ends all of them.

import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { NoteListener } from '../progress.js';
import { compiledEntry } from './compiledEntry.js';
import { decodeError } from './errorRecord.js';
import type { FromWorker, Job, JobReport, ToWorker } from './protocol.js';

/** Characters of a process's last output that are kept for errors. */
const OUTPUT_TAIL = 2000;
/** Milliseconds that a process has to exit by itself. */
const GRACE = 2000;

/** Callbacks and signal of a running job. */
export interface JobListeners {
  onReport?(report: JobReport): void;
  onNote?: NoteListener;
  /** When aborted, the job stops cleanly and {@link JobProcess.run} rejects with the signal's reason. */
  signal?: AbortSignal;
}

/** A worker process ended before its job did. */
export class ProcessEndedError extends Error {
  /**
   * @param how its signal or exit status.
   * @param output the end of what it wrote to stdout and stderr.
   * @param started whether it was ready to take jobs.
   */
  constructor(
    readonly how: string,
    readonly output: string,
    readonly started: boolean,
  ) {
    const tail = output.split('\n').slice(-3).join(' | ');
    super(`its worker process ended (${how})${tail && `: ${tail}`}`);
  }
}

/** A worker process. It starts immediately and takes jobs until it is ended, dies, or one of its jobs is aborted. */
export class JobProcess {
  readonly #child: ChildProcess;
  readonly #closed: Promise<void>;
  /** How it ended. */
  #how: string | null = null;
  #killed = false;
  #started = false;
  #output = '';
  #receive: (message: FromWorker) => void = () => {};
  #onEnd = () => {};

  /**
   * @param entry compiled module that calls `serveProcess`.
   * @param env environment of the process.
   */
  constructor(entry: URL, env: NodeJS.ProcessEnv) {
    const child = fork(fileURLToPath(compiledEntry(entry)), [], {
      serialization: 'advanced',
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      execArgv: [],
      env,
    });
    this.#child = child;
    const keepTail = (chunk: Buffer) => {
      this.#output = (this.#output + chunk.toString()).slice(-OUTPUT_TAIL);
    };
    child.stdout?.on('data', keepTail);
    child.stderr?.on('data', keepTail);
    child.on('message', (message: FromWorker) => {
      this.#started = true;
      this.#receive(message);
    });
    this.#closed = new Promise((resolve) => {
      const end = (how: string) => {
        this.#how ??= how;
        this.#onEnd();
        resolve();
      };
      child.on('error', (error) => {
        if (child.pid === undefined) end(error.message);
      });
      // `close` comes after the last output.
      child.on('close', (code, signal) => end(signal ?? `exit status ${code}`));
    });
  }

  /** Whether it can take a job. */
  get alive(): boolean {
    return !this.#killed && this.#how === null && this.#child.connected;
  }

  /**
   * Runs one job. Must not be called before the previous job has ended.
   *
   * @throws what the job threw, `signal.reason`, or {@link ProcessEndedError}.
   */
  async run<Result>(job: Job, { onReport, onNote, signal }: JobListeners = {}): Promise<Result> {
    signal?.throwIfAborted();
    let onAbort = () => {};
    try {
      return await new Promise<Result>((resolve, reject) => {
        onAbort = () => {
          if (this.#started) return this.#send({ type: 'abort' });
          this.kill();
          reject(signal?.reason);
        };
        signal?.addEventListener('abort', onAbort);
        this.#onEnd = () => reject(new ProcessEndedError(`${this.#how}`, this.#output.trim(), this.#started));
        if (this.#how !== null) this.#onEnd();
        this.#receive = (message) => {
          switch (message.type) {
            case 'ready':
              return;
            case 'report':
              onReport?.(message.report);
              return;
            case 'note':
              onNote?.(message.note);
              return;
            case 'done':
              resolve(message.result as Result);
              return;
            case 'aborted':
              reject(signal?.reason);
              return;
            case 'failed':
              reject(decodeError(message.error));
              return;
            default:
              message satisfies never;
          }
        };
        this.#send({ type: 'run', job });
      });
    } finally {
      signal?.removeEventListener('abort', onAbort);
      this.#receive = () => {};
      this.#onEnd = () => {};
    }
  }

  /** Ends an idle process and resolves when it has exited. */
  async end(): Promise<void> {
    this.#send({ type: 'end' });
    const timer = setTimeout(() => this.kill(), GRACE);
    await this.#closed;
    clearTimeout(timer);
  }

  /** Kills the process. */
  kill(): void {
    this.#killed = true;
    this.#child.kill('SIGKILL');
  }

  #send(message: ToWorker): void {
    if (this.#child.connected) this.#child.send(message, () => {});
  }
}
