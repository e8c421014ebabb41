// Connects to a queue. BullMQ and its Redis client are loaded only here and on demand. Errors are reported without their
// details, since a client's errors contain the commands and thus passwords.

import type { Queue, Worker } from 'bullmq';
import { QueueError } from '../errors.js';
import type { NoteListener } from '../progress.js';
import type { QueueAddress } from './address.js';

/** Prefix of all our keys on the server. */
const PREFIX = 'wnn';
/** Milliseconds to wait for the server's first response. */
const FIRST_RESPONSE = 10_000;
/** Milliseconds between attempts to reconnect. */
const RECONNECT = 500;

/** Loads BullMQ, or throws an error that says how to install it. */
export async function loadBullmq(): Promise<typeof import('bullmq')> {
  try {
    return await import('bullmq');
  } catch (cause) {
    throw new QueueError({
      what: 'the packages for queues are not installed',
      where: 'bullmq, ioredis',
      remedy: 'run npm install bullmq ioredis',
      cause,
    });
  }
}

/** Options of all clients. They wait for an unreachable server until `ended` is aborted, and keep the process alive. */
function connectionOptions({ host, port, tls, username, password }: QueueAddress, ended?: AbortSignal) {
  return {
    host,
    port,
    username,
    password,
    ...(tls && { tls: {} }),
    maxRetriesPerRequest: null,
    retryStrategy: () => (ended?.aborted ? null : RECONNECT),
    connectTimeout: FIRST_RESPONSE,
  };
}

/** Options of queues and workers. */
export function queueOptions(address: QueueAddress, ended?: AbortSignal) {
  return { connection: connectionOptions(address, ended), prefix: PREFIX };
}

/**
 * Checks that the server responds and accepts the credentials, since a client would retry forever.
 *
 * @throws {@link QueueError} saying why not.
 */
export async function checkServer(address: QueueAddress): Promise<void> {
  await loadBullmq();
  const { Redis } = await import('ioredis');
  const client = new Redis({
    ...connectionOptions(address),
    lazyConnect: true,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
    commandTimeout: FIRST_RESPONSE,
  });
  let first: Error | undefined;
  client.on('error', (error: Error) => {
    first ??= error;
  });
  try {
    await client.connect();
    await client.ping();
  } catch (error) {
    throw explain(first ?? (error as Error), address);
  } finally {
    client.disconnect();
  }
}

/** Converts a server error for display. It has no cause, which would contain the password. */
function explain(error: Error, { label }: QueueAddress): QueueError {
  const { message, code = '' } = error as NodeJS.ErrnoException;
  if (/WRONGPASS|invalid password|invalid username/i.test(message))
    return new QueueError({
      what: 'wrong user or password',
      where: label,
      remedy: 'correct it in the URL or in WNN_QUEUE_PASSWORD',
    });
  if (/NOAUTH|Authentication required/i.test(message))
    return new QueueError({
      what: 'the server asks for a password',
      where: label,
      remedy: 'set WNN_QUEUE_PASSWORD, or redis://:PASSWORD@HOST:PORT/NAME',
    });
  if (/without any password configured/i.test(message))
    return new QueueError({ what: 'the server has no password', where: label, remedy: 'leave the password out' });
  return new QueueError({
    what: `cannot reach the queue (${code || message.split('\n')[0]})`,
    where: label,
    remedy: 'check host, port and TLS, and that the server runs',
  });
}

/** Notes when the connection is lost and when it is restored. */
export function watchConnection(queue: Queue | Worker, { label }: QueueAddress, onNote: NoteListener): void {
  let gone = false;
  const onError = (error: Error) => {
    const { code, message } = error as NodeJS.ErrnoException;
    if (gone || !(code !== undefined || /connection|ECONN|EPIPE/i.test(message))) return;
    gone = true;
    onNote(`${label} does not respond; waiting for it`);
  };
  // Without a listener, the error would end the process and print its details to stderr.
  (queue as NodeJS.EventEmitter).on('error', onError);
  (queue.backend as NodeJS.EventEmitter).on('ready', () => {
    if (gone) onNote(`${label} responds again`);
    gone = false;
  });
}
