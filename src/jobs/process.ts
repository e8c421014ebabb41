// One worker process for a caller that has one job at a time for it. The pool keeps several and replaces them; here the
// caller does.

import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { NoteListener } from '../progress.js';
import { decodeError, type FromWorker, type Job, type JobReport, type ToWorker } from './protocol.js';

/** Characters of a process's output that are kept, for when it dies. */
const OUTPUT_TAIL = 2000;

/** What is told of a job while it runs. */
export interface JobListeners {
  onReport?(report: JobReport): void;
  onNote?: NoteListener;
  /** When aborted, the job ends in good order and {@link JobProcess.run} rejects with the signal's reason. */
  signal?: AbortSignal;
}

/** A worker process. It starts at once and takes jobs until it is ended, dies, or a job of it was aborted. */
export class JobProcess {
  readonly #child: ChildProcess;
  #output = '';
  #ended: string | null = null;
  #receive: (message: FromWorker) => void = () => {};
  #onEnd: () => void = () => {};

  /**
   * @param entry compiled module that calls `serveJobs`.
   * @param env environment of the process.
   */
  constructor(entry: URL, env: NodeJS.ProcessEnv) {
    this.#child = fork(fileURLToPath(entry), [], {
      serialization: 'advanced',
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      execArgv: [],
      env,
    });
    const keepTail = (chunk: Buffer) => {
      this.#output = (this.#output + chunk.toString()).slice(-OUTPUT_TAIL);
    };
    this.#child.stdout?.on('data', keepTail);
    this.#child.stderr?.on('data', keepTail);
    this.#child.on('message', (message: FromWorker) => this.#receive(message));
    const end = (how: string) => {
      this.#ended ??= how;
      this.#onEnd();
    };
    this.#child.on('error', (error) => end(error.message));
    // `close` comes after the last of its output.
    this.#child.on('close', (code, signal) => end(signal ?? `exit status ${code}`));
  }

  /** Whether it can take a job. */
  get alive(): boolean {
    return this.#ended === null && this.#child.connected;
  }

  /**
   * Does one job; not to be called before the last one has ended.
   *
   * @throws what the job threw, `signal.reason`, or Error when the process dies.
   */
  async run<Result>(job: Job, { onReport, onNote, signal }: JobListeners = {}): Promise<Result> {
    signal?.throwIfAborted();
    const onAbort = () => this.#send({ type: 'abort' });
    signal?.addEventListener('abort', onAbort);
    try {
      return await new Promise<Result>((resolve, reject) => {
        const died = () => {
          const tail = this.#output.trim().split('\n').slice(-3).join(' | ');
          reject(new Error(`its worker process ended (${this.#ended})${tail && `: ${tail}`}`));
        };
        this.#onEnd = died;
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
        if (this.#ended !== null) died();
        else this.#send({ type: 'run', job });
      });
    } finally {
      signal?.removeEventListener('abort', onAbort);
      this.#onEnd = () => {};
      this.#receive = () => {};
    }
  }

  /** Ends the process at once. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #send(message: ToWorker): void {
    if (this.#child.connected) this.#child.send(message, () => {});
  }
}
